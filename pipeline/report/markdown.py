"""Convert docstrings and formulas to HTML that contains no other markup."""

import re
from xml.etree import ElementTree

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markupsafe import Markup

MARKDOWN = MarkdownIt("commonmark", {"html": False})
MARKDOWN.disable(["link", "image", "autolink", "reference", "entity"])
FORMULA = re.compile(r"(?P<code>`[^`]*`)|\$(?P<latex>[^$]+)\$")
MATHML = frozenset(
    "math mrow mi mn mo mtext mspace msub msup msubsup mfrac msqrt mroot munder mover munderover "
    "mtable mtr mtd mstyle mpadded mphantom menclose".split()
)
UNKNOWN = (  # commands unknown to the converter, and their replacements
    (re.compile(r"\\[Bb]igg?m\s*\\\|"), r"\\parallel "),
    (re.compile(r"\\[Bb]igg?m\s*\|"), r"\\mid "),
    (re.compile(r"\\arg(?![a-z])"), r"\\operatorname{arg}"),
)
LONG = 40  # characters of LaTeX above which a formula gets a line of its own


def prose(docstring: str) -> Markup:
    """Convert a family's paragraph to HTML: light Markdown with `code`, lists and $formulas$.

    Raises:
        ValueError: the converter cannot handle a formula.
    """
    formulas: list[Markup] = []

    def set_aside(found: re.Match) -> str:
        if found["code"]:
            return found["code"]
        formulas.append(formula(found["latex"]))
        return f"\ue000{len(formulas) - 1}\ue001"

    html = MARKDOWN.render(FORMULA.sub(set_aside, docstring))
    return Markup(re.sub("\ue000(\\d+)\ue001", lambda found: formulas[int(found[1])], html))


def formula(latex: str) -> Markup:
    """Convert LaTeX to MathML, which browsers render without fonts or scripts.

    Raises:
        ValueError: the converter's output is not pure MathML.
    """
    plain = " ".join(latex.split())
    for unknown, known in UNKNOWN:
        plain = unknown.sub(known, plain)
    mathml = convert(plain)
    if fault := fault_of(mathml):
        raise ValueError(
            f"The formula ${latex}$ should become pure MathML; found {fault} in the converter's output. "
            "Write it with other commands (no aligned environment, no markup in text)."
        )
    if len(latex) > LONG:
        return Markup(f'<span class="formula" tabindex="0" role="group" aria-label="Formula">{mathml}</span>')
    return Markup(mathml)


def fault_of(mathml: str) -> str | None:
    """Return what keeps a text from being pure MathML; None if nothing does."""
    if "\\" in mathml:
        return "a backslash (an unknown command)"
    try:
        elements = ElementTree.fromstring(mathml).iter()
    except ElementTree.ParseError:
        return "a raw & or broken markup"
    unknown = {element.tag.rpartition("}")[2] for element in elements} - MATHML
    return f"the element <{min(unknown)}>" if unknown else None
