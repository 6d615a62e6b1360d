"""Model cards as they can be read in a terminal."""

from __future__ import annotations

import re
from typing import Final

# Others, such as <think> or <s>, are more likely words on what a model writes.
_TAGS: Final = (
    "a|abbr|address|article|aside|audio|b|big|blockquote|body|br|button|caption|center|cite|code|"
    "col|colgroup|dd|del|details|div|dl|dt|em|embed|figcaption|figure|font|footer|form|h[1-6]|"
    "head|header|hr|html|i|iframe|img|input|ins|kbd|label|li|link|main|mark|meta|nav|ol|p|path|"
    "picture|pre|q|section|small|source|span|strike|strong|sub|summary|sup|svg|table|tbody|td|"
    "tfoot|th|thead|time|tr|tt|u|ul|video|wbr"
)
_FENCE: Final = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
# What begins a line may be pushed in, and what stays of it would be taken for code.
_HTML: Final = re.compile(
    rf"""
    (?P<code> `[^`\n]*` )
    | (?:^[ \t]+)? (?:
        <!-- (?: .*?--> | .*\Z )
        | <(?P<silent>script|style)\b (?: .*?</(?P=silent)\s*> | .*\Z )
        | <(?P<end>/?) (?P<tag>{_TAGS})\b (?P<rest>[^<>]*) >
    )
    """,
    re.IGNORECASE | re.MULTILINE | re.DOTALL | re.VERBOSE,
)
_ALT: Final = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_APART: Final = ("br", "dd", "div", "dt", "li", "p", "td", "th", "tr")


def readable(card: str) -> str:
    """``card`` without its HTML: of pictures the words for them stay, and what is code stays."""
    told: list[str] = []
    at = 0
    while (opened := _FENCE.search(card, at)) is not None:
        told.append(_HTML.sub(_instead, card[at : opened.start()]))
        closed = re.compile(rf"^ {{0,3}}{re.escape(opened[1])}", re.MULTILINE)
        end = closed.search(card, opened.end())
        at = end.end() if end else len(card)
        told.append(card[opened.start() : at])
    return "".join([*told, _HTML.sub(_instead, card[at:])])


def _instead(found: re.Match[str]) -> str:
    if found["code"]:
        return found["code"]
    tag = (found["tag"] or "").lower()
    if tag == "img":
        alt = _ALT.search(found["rest"])
        return next(filter(None, alt.groups()), "") if alt else ""
    if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
        return "\n" if found["end"] else f"\n{'#' * int(tag[1])} "
    return " " if tag in _APART else ""
