"""Every symbol of TeX mathematics with its kind, as data.

Kinds follow TeX's atom classes (The TeXbook, appendix F; amssymb; mathtools) and were checked against the symbol
table of KaTeX 0.19.1. A Unicode character reads as the command that draws it.
"""

from __future__ import annotations

_NAMES_BY_KIND = {
    "letter": r"""
        \alpha \beta \gamma \delta \epsilon \zeta \eta \theta \iota \kappa \lambda \mu \nu \xi \omicron \pi \rho \sigma
        \tau \upsilon \phi \chi \psi \omega \varepsilon \vartheta \varpi \varrho \varsigma \varphi \Gamma \Delta \Theta
        \Lambda \Xi \Pi \Sigma \Upsilon \Phi \Psi \Omega \varGamma \varDelta \varTheta \varLambda \varXi \varPi
        \varSigma \varUpsilon \varPhi \varPsi \varOmega \infty \ell \hbar \hslash \partial \nabla \aleph \beth \daleth
        \gimel \wp \Re \Im \imath \jmath \digamma \varkappa \eth \emptyset \varnothing \complement \mho \Finv \Game
        \Bbbk
    """,
    "op": r"""
        \arcsin \arccos \arctan \arctg \arcctg \arg \ch \cos \cosec \cosh \cot \cotg \coth \csc \ctg \cth \deg \dim \exp
        \hom \ker \lg \ln \log \sec \sin \sinh \sh \tan \tanh \tg \th \det \gcd \inf \lim \max \min \Pr \sup \argmin
        \argmax \limsup \liminf \injlim \projlim \varlimsup \varliminf \varinjlim \varprojlim \plim
    """,
    "big": r"""
        \coprod \bigvee \bigwedge \biguplus \bigcap \bigcup \intop \prod \sum \bigotimes \bigoplus \bigodot \bigsqcup
        \smallint \int \iint \iiint \oint \oiint \oiiint \iiiint \idotsint \bigplus \bigtimes \bigsqcap
    """,
    "bin": r"""
        + - * / \mp \ominus \uplus \sqcap \ast \sqcup \bigcirc \bullet \ddagger \wr \amalg \And \unlhd \unrhd \lessdot
        \gtrdot \lhd \rhd \dotplus \smallsetminus \Cap \Cup \doublebarwedge \boxminus \boxplus \divideontimes \ltimes
        \rtimes \leftthreetimes \rightthreetimes \curlywedge \curlyvee \circleddash \circledast \centerdot \doublecap
        \doublecup \boxtimes \cdot \circ \div \pm \times \cap \cup \land \lor \wedge \vee \barwedge \veebar \odot \oplus
        \otimes \oslash \circledcirc \boxdot \bigtriangleup \bigtriangledown \dagger \diamond \star \triangleleft
        \triangleright \bmod \minuso \intercal \setminus
    """,
    "rel": r"""
        = < > : \equiv \prec \succ \sim \perp \preceq \succeq \simeq \mid \ll \gg \asymp \parallel \bowtie \smile
        \sqsubseteq \sqsupseteq \doteq \frown \ni \propto \vdash \dashv \owns \longleftarrow \Leftarrow \Longleftarrow
        \longrightarrow \Rightarrow \Longrightarrow \leftrightarrow \longleftrightarrow \Leftrightarrow
        \Longleftrightarrow \mapsto \longmapsto \nearrow \hookleftarrow \hookrightarrow \searrow \leftharpoonup
        \rightharpoonup \swarrow \leftharpoondown \rightharpoondown \nwarrow \rightleftharpoons \nless \lneq \lneqq
        \lnsim \lnapprox \nprec \npreceq \precnsim \precnapprox \nsim \nmid \nvdash \nvDash \ntriangleleft
        \ntrianglelefteq \subsetneq \subsetneqq \ngtr \gneq \gneqq \gnsim \gnapprox \nsucc \nsucceq \succnsim
        \succnapprox \ncong \nparallel \nVDash \ntriangleright \ntrianglerighteq \supsetneq \supsetneqq \nVdash
        \precneqq \succneqq \nleftarrow \nrightarrow \nLeftarrow \nRightarrow \nleftrightarrow \nLeftrightarrow
        \vartriangle \leqq \leqslant \eqslantless \lesssim \lessapprox \approxeq \lll \lessgtr \lesseqgtr \lesseqqgtr
        \doteqdot \risingdotseq \fallingdotseq \backsim \backsimeq \subseteqq \Subset \sqsubset \preccurlyeq
        \curlyeqprec \precsim \precapprox \vartriangleleft \trianglelefteq \vDash \Vvdash \smallsmile \smallfrown
        \bumpeq \Bumpeq \geqq \geqslant \eqslantgtr \gtrsim \gtrapprox \ggg \gtrless \gtreqless \gtreqqless \eqcirc
        \circeq \triangleq \thicksim \thickapprox \supseteqq \Supset \sqsupset \succcurlyeq \curlyeqsucc \succsim
        \succapprox \vartriangleright \trianglerighteq \Vdash \shortmid \shortparallel \between \pitchfork \varpropto
        \blacktriangleleft \therefore \backepsilon \blacktriangleright \because \llless \gggtr \eqsim \Join \Doteq
        \dashrightarrow \dashleftarrow \leftleftarrows \leftrightarrows \Lleftarrow \twoheadleftarrow \leftarrowtail
        \looparrowleft \leftrightharpoons \curvearrowleft \circlearrowleft \Lsh \upuparrows \upharpoonleft
        \downharpoonleft \origof \imageof \multimap \leftrightsquigarrow \rightrightarrows \rightleftarrows
        \twoheadrightarrow \rightarrowtail \looparrowright \curvearrowright \circlearrowright \Rsh \downdownarrows
        \upharpoonright \downharpoonright \rightsquigarrow \leadsto \Rrightarrow \restriction \approx \cong \ge \geq
        \gets \gt \in \subset \supset \subseteq \supseteq \nsubseteq \nsupseteq \models \leftarrow \le \leq \lt
        \rightarrow \to \ngeq \nleq \uparrow \Uparrow \downarrow \Downarrow \updownarrow \Updownarrow \ne \neq \notin
        \notni \coloneqq \Coloneqq \coloneq \Coloneq \eqqcolon \Eqqcolon \eqcolon \Eqcolon \colonapprox \Colonapprox
        \colonsim \Colonsim \dblcolon \vcentcolon \coloncolon \ratio \colonequals \coloncolonequals \equalscolon
        \equalscoloncolon \colonminus \coloncolonminus \minuscolon \minuscoloncolon \coloncolonapprox \coloncolonsim
        \simcolon \simcoloncolon \approxcolon \approxcoloncolon \iff \implies \impliedby \mapsfrom \longmapsfrom
        \gvertneqq \lvertneqq \ngeqq \ngeqslant \nleqq \nleqslant \nshortmid \nshortparallel \nsubseteqq \nsupseteqq
        \varsubsetneq \varsubsetneqq \varsupsetneq \varsupsetneqq \colon
    """,
    "open": r"""
        ( [ \lmoustache \lgroup \langle \lvert \lVert \{ \lbrace \lbrack \lparen \lfloor \lceil \ulcorner \llcorner
        \llbracket \lBrace \lAngle
    """,
    "close": r"""
        ) ] \rmoustache \rgroup \rangle \rvert \rVert \} \rbrace \rbrack \rparen \rfloor \rceil \urcorner \lrcorner
        \rrbracket \rBrace \rAngle
    """,
    "punct": r"""
        , ; . \ldotp \cdotp
    """,
    "bar": r"""
        | \| \vert \Vert
    """,
    "dots": r"""
        \ldots \cdots \dots \dotsc \dotsb \dotsm \dotsi \dotso \dotsx \vdots \ddots \mathellipsis \iddots \adots
    """,
    "prime": r"""
        \prime
    """,
    "other": r"""
        ! ? @ " ` \forall \exists \flat \natural \clubsuit \sharp \diamondsuit \heartsuit \spadesuit \S \P \dag \ddag
        \triangledown \lozenge \circledS \circledR \measuredangle \nexists \backprime \blacktriangle \blacktriangledown
        \blacksquare \blacklozenge \bigstar \sphericalangle \diagup \diagdown \square \Box \Diamond \yen \checkmark
        \angle \triangle \neg \lnot \top \bot \surd \backslash \varvdots \degree \pounds \mathsterling \maltese \# \$ \%
        \& \_ \copyright \textcopyright \textregistered
    """,
}
_LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

SYMBOL_KINDS: dict[str, str] = {name: kind for kind, names in _NAMES_BY_KIND.items() for name in names.split()}
SYMBOL_KINDS |= dict.fromkeys(_LATIN, "letter")
"""Kind by name: `\\alpha` is a `letter`, `=` a `rel`."""

_CHARACTER_PAIRS = r"""
    £ \pounds  ¥ \yen  § \S  ¬ \neg  ® \circledR  ° \degree  ± \pm  µ \mu  ¶ \P  · \cdot  × \times  ð \eth  ÷ \div
    ı \imath  ȷ \jmath  Γ \Gamma  Δ \Delta  Θ \Theta  Λ \Lambda  Ξ \Xi  Π \Pi  Σ \Sigma  Υ \Upsilon  Φ \Phi
    Ψ \Psi  Ω \Omega  α \alpha  β \beta  γ \gamma  δ \delta  ε \varepsilon  ζ \zeta  η \eta  θ \theta  ι \iota
    κ \kappa  λ \lambda  μ \mu  ν \nu  ξ \xi  ο \omicron  π \pi  ρ \rho  ς \varsigma  σ \sigma  τ \tau  υ \upsilon
    φ \varphi  χ \chi  ψ \psi  ω \omega  ϑ \vartheta  ϕ \phi  ϖ \varpi  ϝ \digamma  ϰ \varkappa  ϱ \varrho
    ϵ \epsilon  ‐ -  ‑ -  – -  — -  ‖ \|  ’ '  † \dagger  ‡ \ddagger  • \bullet  … \ldots  ′ '  ″ ''  ‴ '''
    ‵ \backprime  ⁄ /  ℏ \hbar  ℑ \Im  ℓ \ell  ℘ \wp  ℜ \Re  ℧ \mho  Ⅎ \Finv  ℵ \aleph  ℶ \beth  ℷ \gimel
    ℸ \daleth  ⅁ \Game  ← \leftarrow  ↑ \uparrow  → \to  ↓ \downarrow  ↔ \leftrightarrow  ↕ \updownarrow
    ↖ \nwarrow  ↗ \nearrow  ↘ \searrow  ↙ \swarrow  ↚ \nleftarrow  ↛ \nrightarrow  ↞ \twoheadleftarrow
    ↠ \twoheadrightarrow  ↢ \leftarrowtail  ↣ \rightarrowtail  ↤ \mapsfrom  ↦ \mapsto  ↩ \hookleftarrow
    ↪ \hookrightarrow  ↫ \looparrowleft  ↬ \looparrowright  ↭ \leftrightsquigarrow  ↮ \nleftrightarrow  ↰ \Lsh
    ↱ \Rsh  ↶ \curvearrowleft  ↷ \curvearrowright  ↺ \circlearrowleft  ↻ \circlearrowright  ↼ \leftharpoonup
    ↽ \leftharpoondown  ↾ \upharpoonright  ↿ \upharpoonleft  ⇀ \rightharpoonup  ⇁ \rightharpoondown
    ⇂ \downharpoonright  ⇃ \downharpoonleft  ⇄ \rightleftarrows  ⇆ \leftrightarrows  ⇇ \leftleftarrows
    ⇈ \upuparrows  ⇉ \rightrightarrows  ⇊ \downdownarrows  ⇋ \leftrightharpoons  ⇌ \rightleftharpoons
    ⇍ \nLeftarrow  ⇎ \nLeftrightarrow  ⇏ \nRightarrow  ⇐ \Leftarrow  ⇑ \Uparrow  ⇒ \Rightarrow  ⇓ \Downarrow
    ⇔ \Leftrightarrow  ⇕ \Updownarrow  ⇚ \Lleftarrow  ⇛ \Rrightarrow  ⇝ \rightsquigarrow  ⇠ \dashleftarrow
    ⇢ \dashrightarrow  ∀ \forall  ∁ \complement  ∂ \partial  ∃ \exists  ∄ \nexists  ∅ \emptyset  ∆ \Delta
    ∇ \nabla  ∈ \in  ∉ \notin  ∋ \ni  ∌ \notni  ∍ \backepsilon  ∏ \prod  ∐ \coprod  ∑ \sum  − -  ∓ \mp  ∔ \dotplus
    ∕ /  ∖ \setminus  ∗ *  ∘ \circ  ∙ \bullet  √ \surd  ∝ \propto  ∞ \infty  ∠ \angle  ∡ \measuredangle
    ∢ \sphericalangle  ∣ \mid  ∤ \nmid  ∥ \|  ∦ \nparallel  ∧ \wedge  ∨ \vee  ∩ \cap  ∪ \cup  ∫ \int  ∬ \iint
    ∭ \iiint  ∮ \oint  ∯ \oiint  ∰ \oiiint  ∴ \therefore  ∵ \because  ∶ :  ∷ \dblcolon  ∼ \sim  ∽ \backsim  ≀ \wr
    ≁ \nsim  ≂ \eqsim  ≃ \simeq  ≅ \cong  ≆ \ncong  ≈ \approx  ≊ \approxeq  ≍ \asymp  ≎ \Bumpeq  ≏ \bumpeq
    ≐ \doteq  ≑ \doteqdot  ≒ \fallingdotseq  ≓ \risingdotseq  ≔ \coloneqq  ≕ \eqqcolon  ≖ \eqcirc  ≗ \circeq
    ≜ \triangleq  ≠ \ne  ≡ \equiv  ≤ \le  ≥ \ge  ≦ \leqq  ≧ \geqq  ≨ \lneqq  ≩ \gneqq  ≪ \ll  ≫ \gg  ≬ \between
    ≮ \nless  ≯ \ngtr  ≰ \nleq  ≱ \ngeq  ≲ \lesssim  ≳ \gtrsim  ≶ \lessgtr  ≷ \gtrless  ≺ \prec  ≻ \succ
    ≼ \preccurlyeq  ≽ \succcurlyeq  ≾ \precsim  ≿ \succsim  ⊀ \nprec  ⊁ \nsucc  ⊂ \subset  ⊃ \supset  ⊆ \subseteq
    ⊇ \supseteq  ⊈ \nsubseteq  ⊉ \nsupseteq  ⊊ \subsetneq  ⊋ \supsetneq  ⊎ \uplus  ⊏ \sqsubset  ⊐ \sqsupset
    ⊑ \sqsubseteq  ⊒ \sqsupseteq  ⊓ \sqcap  ⊔ \sqcup  ⊕ \oplus  ⊖ \ominus  ⊗ \otimes  ⊘ \oslash  ⊙ \odot
    ⊚ \circledcirc  ⊛ \circledast  ⊝ \circleddash  ⊞ \boxplus  ⊟ \boxminus  ⊠ \boxtimes  ⊡ \boxdot  ⊢ \vdash
    ⊣ \dashv  ⊤ \top  ⊥ \perp  ⊨ \vDash  ⊩ \Vdash  ⊪ \Vvdash  ⊬ \nvdash  ⊭ \nvDash  ⊮ \nVdash  ⊯ \nVDash
    ⊲ \triangleleft  ⊳ \triangleright  ⊴ \trianglelefteq  ⊵ \trianglerighteq  ⊶ \origof  ⊷ \imageof  ⊸ \multimap
    ⊺ \intercal  ⊻ \veebar  ⊼ \barwedge  ⋀ \bigwedge  ⋁ \bigvee  ⋂ \bigcap  ⋃ \bigcup  ⋄ \diamond  ⋅ \cdot
    ⋆ \star  ⋇ \divideontimes  ⋈ \bowtie  ⋉ \ltimes  ⋊ \rtimes  ⋋ \leftthreetimes  ⋌ \rightthreetimes
    ⋍ \backsimeq  ⋎ \curlyvee  ⋏ \curlywedge  ⋐ \Subset  ⋑ \Supset  ⋒ \Cap  ⋓ \Cup  ⋔ \pitchfork  ⋖ \lessdot
    ⋗ \gtrdot  ⋘ \lll  ⋙ \ggg  ⋚ \lesseqgtr  ⋛ \gtreqless  ⋞ \curlyeqprec  ⋟ \curlyeqsucc  ⋠ \npreceq  ⋡ \nsucceq
    ⋦ \lnsim  ⋧ \gnsim  ⋨ \precnsim  ⋩ \succnsim  ⋪ \ntriangleleft  ⋫ \ntriangleright  ⋬ \ntrianglelefteq
    ⋭ \ntrianglerighteq  ⋮ \vdots  ⋯ \cdots  ⋰ \iddots  ⋱ \ddots  ⌈ \lceil  ⌉ \rceil  ⌊ \lfloor  ⌋ \rfloor
    ⌢ \frown  ⌣ \smile  ⎰ \lmoustache  ⎱ \rmoustache  Ⓢ \circledS  ⓢ \circledS  ╱ \diagup  ╲ \diagdown
    ■ \blacksquare  □ \square  ▲ \blacktriangle  △ \triangle  ▶ \blacktriangleright  ▹ \triangleright
    ▼ \blacktriangledown  ▽ \triangledown  ◀ \blacktriangleleft  ◃ \triangleleft  ◊ \lozenge  ◦ \circ  ◯ \bigcirc
    ★ \bigstar  ♠ \spadesuit  ♡ \heartsuit  ♢ \diamondsuit  ♣ \clubsuit  ♭ \flat  ♮ \natural  ♯ \sharp
    ✓ \checkmark  ✠ \maltese  ⟂ \perp  ⟦ \llbracket  ⟧ \rrbracket  ⟨ \langle  ⟩ \rangle  ⟮ \lgroup  ⟯ \rgroup
    ⟵ \longleftarrow  ⟶ \longrightarrow  ⟷ \longleftrightarrow  ⟸ \Longleftarrow  ⟹ \Longrightarrow
    ⟺ \Longleftrightarrow  ⟼ \longmapsto  ⦃ \lBrace  ⦄ \rBrace  ⧫ \blacklozenge  ⨀ \bigodot  ⨁ \bigoplus
    ⨂ \bigotimes  ⨄ \biguplus  ⨆ \bigsqcup  ⨿ \amalg  ⩞ \doublebarwedge  ⩴ \Coloneqq  ⩽ \leqslant  ⩾ \geqslant
    ⪅ \lessapprox  ⪆ \gtrapprox  ⪇ \lneq  ⪈ \gneq  ⪉ \lnapprox  ⪊ \gnapprox  ⪋ \lesseqqgtr  ⪌ \gtreqqless
    ⪕ \eqslantless  ⪖ \eqslantgtr  ⪯ \preceq  ⪰ \succeq  ⪵ \precneqq  ⪶ \succneqq  ⪷ \precapprox  ⪸ \succapprox
    ⪹ \precnapprox  ⪺ \succnapprox  ⫅ \subseteqq  ⫆ \supseteqq  ⫋ \subsetneqq  ⫌ \supsetneqq  、 ,  。 .  〈 \langle
    〉 \rangle  ， ,  ： :  ； ;
"""
_words = _CHARACTER_PAIRS.split()
CHARACTERS: dict[str, str] = dict(zip(_words[::2], _words[1::2], strict=True))
"""The name a Unicode character reads as: `≤` is `\\le`, `′` the prime."""
