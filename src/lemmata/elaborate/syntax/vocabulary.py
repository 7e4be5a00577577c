"""Words and symbols of mathematical writing, as data: fonts, relations, operators, connecting words."""

from __future__ import annotations

FONTS = {
    **dict.fromkeys((r"\mathbf \boldsymbol \bm \pmb \bf \bfseries \symbf \symbfit \bold \mathbfit").split(), "bold"),
    **dict.fromkeys((r"\mathcal \mathscr \cal \symcal \symscr \mathbfcal").split(), "cal"),
    **dict.fromkeys((r"\mathbb \Bbb \mathds \mathbbm \bbm \symbb").split(), "bb"),
    **dict.fromkeys((r"\mathfrak \frak \symfrak").split(), "frak"),
    **dict.fromkeys((r"\mathsf \sf \symsf \mathsfit").split(), "sans"),
    **dict.fromkeys((r"\mathtt \tt").split(), "mono"),
    **dict.fromkeys(
        (r"\mathrm \rm \mathup \symrm \rmfamily \operatorname \operatorname* \mathord \mathop").split(), "roman"
    ),
    **dict.fromkeys((r"\mathit \it \mit \sl \symit \itshape").split(), "italic"),
}
"""Font of a command; `\\mathnormal` and unknown ones are none. `italic` only joins letters to words."""

ACCENTS = {
    "widehat": "hat", "widetilde": "tilde", "overline": "bar", "widebar": "bar", "wideparen": "hat",
    "^": "hat", "~": "tilde", "=": "bar", ".": "dot", '"': "ddot",
}  # fmt: skip
"""Normalised accents; others keep the command's name."""

RELATIONS = {
    "\\leq": "\\le", "\\leqslant": "\\le", "\\leqq": "\\le", "\\geq": "\\ge", "\\geqslant": "\\ge", "\\geqq": "\\ge",
    "\\lt": "<", "\\gt": ">", "\\neq": "\\ne", "\\simeq": "\\approx", "\\doteq": "\\approx", "\\cong": "\\approx",
    "\\approxeq": "\\approx", "\\thickapprox": "\\approx", "\\fallingdotseq": "\\approx", "\\risingdotseq": "\\approx",
    "\\triangleq": ":=", "\\coloneqq": ":=", "\\coloneq": ":=", "\\Coloneqq": ":=", "\\colonequals": ":=",
    "\\eqqcolon": "=:", "\\equalscolon": "=:", "\\circeq": ":=", "\\doteqdot": ":=", "\\eqcirc": ":=",
    "\\rightarrow": "\\to", "\\longrightarrow": "\\to", "\\longmapsto": "\\mapsto", "\\hookrightarrow": "\\to",
    "\\xrightarrow": "\\to", "\\rightsquigarrow": "\\to", "\\leadsto": "\\to", "\\xlongequal": "=",
    "\\xleftarrow": "\\leftarrow", "\\gets": "\\leftarrow", "\\longleftarrow": "\\leftarrow",
    "\\Rightarrow": "\\implies", "\\Longrightarrow": "\\implies", "\\xRightarrow": "\\implies",
    "\\Leftrightarrow": "\\iff", "\\Longleftrightarrow": "\\iff", "\\xLeftrightarrow": "\\iff",
    "\\Leftarrow": "\\impliedby", "\\colon": ":", "\\ratio": ":", "\\vcentcolon": ":", "\\thicksim": "\\sim",
    "\\xrightarrow{}": "\\to", "\\xmapsto": "\\mapsto", "\\varpropto": "\\propto", "\\lll": "\\ll", "\\ggg": "\\gg",
    "\\subseteq": "\\subset", "\\supseteq": "\\supset", "\\succcurlyeq": "\\succeq", "\\preccurlyeq": "\\preceq",
    "\\not\\le": ">", "\\not\\in": "\\notin",
}  # fmt: skip
"""One name for each relation; those not here keep theirs."""

JOINED_RELATIONS = {
    (":", "="): ":=", ("=", "="): "=", ("<", "="): "\\le", (">", "="): "\\ge", ("=", ":"): "=:",
    ("=", ">"): "\\implies",
    ("<", "<"): "\\ll", (">", ">"): "\\gg", ("-", ">"): "\\to", ("<", "-"): "\\leftarrow", ("!", "="): "\\ne",
}  # fmt: skip
"""Two symbols typed side by side that are one relation."""

DEFINING_MARKS = frozenset(
    {"def", "def.", "Def", "df", "definition", "\\triangle", "\\Delta", "\\text{def}", "定义", "定義", "≜", "?def"}
)
"""Over an equals sign they make it a definition."""

IMPLICATIONS = frozenset({"\\implies", "\\iff", "\\impliedby"})
"""Relations between statements: they bind weaker than any other."""

SIGNS = frozenset({"+", "-", "\\pm", "\\mp"})
DOTS = frozenset({"\\ldots", "\\cdots", "\\dots"})

MARKS = {
    "\\top": "top", "\\intercal": "top", "*": "star", "\\ast": "star", "\\star": "star", "\\dagger": "dagger",
    "\\dag": "dagger", "\\cdot": "cdot", "\\bullet": "cdot", "\\centerdot": "cdot", "\\circ": "circ", "\\bot": "bot",
    "\\prime": "prime", "\\ddagger": "ddagger", "\\degree": "degree", "\\square": "cdot", "\\Box": "cdot",
}  # fmt: skip
"""Names of symbols that stand for no value of their own."""

BLANK = "blank"
"""The mark for a place that the author left empty: `= b`, `a +`, an empty cell."""

NUMBER_SETS = frozenset("RNZCQ")

OPEN = {
    "\\{": "{",
    "\\lbrace": "{",
    "\\lbrack": "[",
    "\\lparen": "(",
    "\\lgroup": "(",
    "\\lBrace": "{",
    "\\llbracket": "[[",
}
CLOSE = {
    "\\}": "}",
    "\\rbrace": "}",
    "\\rbrack": "]",
    "\\rparen": ")",
    "\\rgroup": ")",
    "\\rBrace": "}",
    "\\rrbracket": "]]",
}
BARS = {
    "|": "|",
    "\\vert": "|",
    "\\|": "||",
    "\\Vert": "||",
    "\\lvert": "|",
    "\\rvert": "|",
    "\\lVert": "||",
    "\\rVert": "||",
}

OPTIMA = {
    "max": "\\max", "min": "\\min", "sup": "\\sup", "inf": "\\inf", "lim": "\\lim", "limsup": "\\limsup",
    "liminf": "\\liminf", "argmax": "\\arg\\max", "argmin": "\\arg\\min", "arg max": "\\arg\\max",
    "arg min": "\\arg\\min", "argsup": "\\arg\\sup", "arginf": "\\arg\\inf", "arg sup": "\\arg\\sup",
    "arg inf": "\\arg\\inf", "plim": "\\plim", "Max": "\\max", "Min": "\\min", "maximize": "\\max",
    "minimize": "\\min", "maximise": "\\max", "minimise": "\\min", "esssup": "\\sup", "ess sup": "\\sup",
}  # fmt: skip
"""Operators whose subscript is a limit, as words."""

PREFIX_OPERATORS = frozenset(
    """
    log ln lg exp sin cos tan sec csc cot sinh cosh tanh coth arcsin arccos arctan arctan2 atan2 arcsinh arccosh arctanh
    asin acos atan tg ctg sh ch th arctg det tr Tr trace Trace rank Rank rk diag Diag vec Vec vech sign sgn Sign dim ker
    deg erf erfc Re Im softmax Softmax SoftMax logsoftmax sigmoid Sigmoid relu ReLU RELU gelu GELU silu SiLU swish
    softplus elu ELU span supp null col div curl grad logit expit sqrt abs card gcd lcm hom proj conv Conv dom
    range mod med median mean
    """.split()
)
"""Words that take the factors after them as their operand, without a bracket."""

MONOTONE = frozenset("log ln lg exp sin cos tan sinh cosh tanh".split())

BARE_WORDS = (
    PREFIX_OPERATORS
    | OPTIMA.keys()
    | frozenset(
        """
        Var Cov Std var cov std Attention MultiHead FFN MLP LayerNorm RMSNorm BatchNorm Concat concat Embedding Linear
        KL softmin argsort round floor ceil clip pow head Beta Gamma Bernoulli Normal Uniform Dropout ELBO LSTM GRU RNN
        sum norm Pr loss cosh len size
        """.split()
    )
) - {"sh", "ch", "th", "Re", "Im", "rk", "tg"}
"""Words that people write in plain letters before a bracket."""

MOMENTS = {
    "Var": "Var", "var": "Var", "Cov": "Cov", "cov": "Cov", "Std": "Std", "std": "Std", "Variance": "Var", "VAR": "Var",
    "COV": "Cov", "E": "E", "Pr": "P", "Prob": "P", "SD": "Std",
}  # fmt: skip
"""Words for expectations, as `Expectation.op`."""

CONNECTIVES = frozenset(
    """
    if and or where for with otherwise when else such that s.t. st subject to is are then since as let on in of from by
    so but given iff i.e. e.g. all any each every not the a an hence therefore thus because while under provided w.r.t.
    wrt we have which be has both at suppose assume case cases whenever unless only over also that this these only
    although though whereas
    """.split()
)
CONNECTIVES_ZH = (
    "且", "和", "或", "其中", "当", "若", "如果", "对于", "否则", "其他", "其它", "其余", "则", "因此", "即", "使得",
    "满足", "与", "以及", "并且", "故", "所以", "于是", "对", "有", "时", "为", "是",
    "令", "设", "记", "因为", "由", "得",
)  # fmt: skip
LONE_CONNECTIVES = frozenset("if and or where for with otherwise when else s.t. then such since let".split())
"""Connecting words recognised even without a space around them."""

JOINS = frozenset({"and", "or", "&", "和", "与", "及", "以及", "且"})
SPACE_BREAK = 1.0
"""Layout space in em that ends a part of a formula."""

MAX_DEPTH = 32
"""Brackets, scripts and operands within one another that are read; people write up to about ten."""

ALIGNED = frozenset(
    """
    aligned align align* split gathered gather gather* equation equation* alignat alignat* alignedat multline multline*
    multlined eqnarray eqnarray* flalign flalign* math displaymath subequations lgathered rgathered xalignat xalignat*
    IEEEeqnarray IEEEeqnarray*
    """.split()
)
"""Environments whose rows are lines of the formula, not entries of a value."""
