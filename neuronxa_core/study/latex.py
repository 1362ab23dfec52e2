"""Text for LaTeX and Markdown: what means something there is written so that it prints as it is."""

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "→": r"$\rightarrow$",
    "·": r"\textperiodcentered{}",
    "−": r"$-$",
    "≥": r"$\geq$",
    "…": r"\dots{}",
    "\u00a0": "~",
}


def latex(text: str) -> str:
    """The text as LaTeX prints it, in UTF-8: every character with a meaning there is escaped."""
    return "".join(_LATEX.get(letter, letter) for letter in text)


def markdown(text: str) -> str:
    """The text as a Markdown table shows it."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>#|~$" else letter for letter in text)
