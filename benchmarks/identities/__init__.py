"""True identities of our own, as small expression trees that print as LaTeX and evaluate in NumPy.

    collection/*.txt --notation--> Topic (declarations, definitions, claims as trees)
                     --mutations, rewrites--> other trees, other pages
                     --latex, pages--> Markdown documents
                     --oracle--> truth, by plain NumPy

Nothing here imports lemmata: what a page means is decided without the checker that is measured on it.
"""
