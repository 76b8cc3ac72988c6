"""Combine all pages of a site, with their pictures, scripts and smaller tables, into one HTML document."""

import base64
import hashlib
import posixpath
from collections.abc import Iterable, Sequence
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FIRST = "index.html"
TABLES = "provenance.html"  # the page that lists the tables; only this page includes them
PICTURES = {".svg": "image/svg+xml", ".png": "image/png"}
DOWNLOADS = {".csv": "text/csv", ".json": "application/json", ".yaml": "text/yaml"}
SMALL = 300_000  # bytes; larger tables are not included
IDS = {"id", "for", "list", "form", "headers", "aria-labelledby", "aria-describedby", "aria-controls", "aria-owns"}
NOTE = "This file holds a whole report. Larger tables, and pictures as files, are in the folder from which it was made."
# Placeholders, replaced once their content is known.
POLICY, STYLES, SKIPS, SCRIPTS = "\0policy", "\0styles", "\0skips", "\0scripts"

Attributes = Sequence[tuple[str, str | None]]


class Page(HTMLParser):
    """Copy a page of the site tag by tag, and adapt its links and pictures to the single file.

    Its ids become `page--id`, so that the ids of two pages differ, and its links become fragments.

    Attributes:
        title: its title as HTML.
        before, main, after: the HTML before, in and after its main element.
        styles, scripts: the files that it loads, from the site's root.
        pages: the pages that it links to.
    """

    def __init__(self, site: Path, path: str, listed: dict[str, str]) -> None:
        """Read the page at a path from the site's root; `listed` maps the tables already included to their ids."""
        super().__init__(convert_charrefs=False)
        self.site, self.path, self.listed = site, path, listed
        self.title = ""
        self.before: list[str] = []
        self.main: list[str] = []
        self.after: list[str] = []
        self.styles: list[str] = []
        self.scripts: list[str] = []
        self.pages: list[str] = []
        self.into = self.before
        self.left_out = ""  # the element that is being omitted
        self.in_title = self.in_missing = False
        self.feed((site / path).read_text("utf-8"))
        self.close()
        if self.into is not self.after:
            raise ValueError(f"{site / path} should be a page with a <main> element; found none. Make the site again.")

    @property
    def name(self) -> str:
        """Return the id of the page in the single file."""
        return name_of(self.path)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if self.left_out:
            return
        if tag == "main":
            self.put(self.get_starttag_text() or "")
            self.into = self.main
        elif tag == "meta" and given.get("http-equiv"):
            self.put(POLICY)
        elif tag == "link" and given.get("rel") == "stylesheet":
            self.styles.append(self.resolved(given["href"] or "")[0])
        elif tag == "script" and given.get("src"):
            self.scripts.append(self.resolved(given["src"] or "")[0])
            self.left_out = tag
        elif tag == "a" and given.get("class") == "skip":
            self.put(SKIPS)
            self.left_out = tag
        elif tag == "a" and "download" in given:
            self.download(attrs)
        else:
            self.in_title = tag == "title" and self.into is self.before
            self.put(self.tag(tag, [self.moved(key, value) for key, value in attrs if key != "loading"], attrs))

    def handle_endtag(self, tag: str) -> None:
        if self.left_out:
            self.left_out = "" if tag == self.left_out else self.left_out
            return
        if tag == "main":
            self.into = self.after
        self.put({"head": STYLES, "body": SCRIPTS}.get(tag, ""))
        if tag == "a" and self.in_missing:
            self.put(" (in the folder only)</span>")
            self.in_missing = False
        else:
            self.put(f"</{tag}>")
        self.in_title = False

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        self.put(data)

    def handle_entityref(self, name: str) -> None:
        self.put(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.put(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self.put(f"<!{decl}>")

    def put(self, text: str) -> None:
        """Append text to the current part of the page, unless an element is being omitted."""
        if not self.left_out:
            self.into.append(text)
            self.title += text if self.in_title and not text.startswith("<") else ""

    def tag(self, tag: str, attributes: Attributes, original: Attributes) -> str:
        """Return a start tag, verbatim if its attributes did not change."""
        if list(attributes) == list(original):
            return self.get_starttag_text() or ""
        closed = (self.get_starttag_text() or "").endswith("/>")
        written = "".join(f" {key}" if value is None else f' {key}="{escape(value)}"' for key, value in attributes)
        return f"<{tag}{written}{'/' if closed else ''}>"

    def moved(self, key: str, value: str | None) -> tuple[str, str | None]:
        """Return an attribute as the single file needs it."""
        if value and key in IDS and self.into is self.main:
            return key, " ".join(f"{self.name}--{each}" for each in value.split())
        if value and (key in ("href", "src") or key.startswith("data-")):
            return key, self.address(value)
        return key, value

    def address(self, value: str) -> str:
        """Return the new target of a link: the fragment of a page, the data of a picture, or else the old target."""
        path, query, fragment = self.resolved(value)
        kind = posixpath.splitext(path)[1]
        if kind not in (".html", *PICTURES) or not (self.site / path).is_file():
            return value
        if kind in PICTURES:
            return data_address(PICTURES[kind], self.site / path)
        self.pages.append(path)
        inside = f"{name_of(path)}--{fragment}" if fragment else name_of(path)
        return f"?{query}#{inside}" if query else f"#{inside}"

    def download(self, attrs: Attributes) -> None:
        """Copy a link to a table: the page that lists the tables includes them, and other pages link to that place.

        Links to pictures are omitted.
        """
        path, _, _ = self.resolved(dict(attrs)["href"] or "")
        kind = posixpath.splitext(path)[1]
        others = [self.moved(key, value) for key, value in attrs if key not in ("href", "download", "id")]
        if kind in PICTURES:
            self.left_out = "a"
        elif path in self.listed:
            self.put(self.tag("a", [("href", f"#{self.listed[path]}"), *others], []))
        else:
            named = ("id", f"{self.name}--{path}")
            if self.path == TABLES:
                self.listed[path] = named[1]
            if (self.site / path).stat().st_size > SMALL:
                self.in_missing = True
                self.put(self.tag("span", [named], []))
            else:
                address = data_address(DOWNLOADS[kind], self.site / path)
                saved = path.removeprefix("data/").replace("/", "-")
                self.put(self.tag("a", [named, ("href", address), ("download", saved), *others], []))

    def resolved(self, address: str) -> tuple[str, str, str]:
        """Return the path from the site's root, the query and the fragment of an address."""
        parts = urlsplit(address)
        folder = posixpath.dirname(self.path)
        path = posixpath.normpath(posixpath.join(folder, unquote(parts.path))) if parts.path else self.path
        return ("" if parts.scheme else path), parts.query, parts.fragment


def name_of(path: str) -> str:
    """Return the id of a page: `models-gan` for `models/gan.html`."""
    return path.removesuffix(".html").replace("/", "-")


def data_address(kind: str, file: Path) -> str:
    """Return the content of a file as a `data:` address."""
    return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"


def bundle(site: Path) -> str:
    """Return the whole site as one HTML document that loads nothing else.

    Raises:
        ValueError: the folder is not a site, or a file cannot be embedded in a page.
    """
    if not (site / FIRST).is_file():
        raise ValueError(f"{site} should be a site; found no {FIRST} in it. Make it first: run `snakemake`.")
    listed: dict[str, str] = {}
    tables = Page(site, TABLES, listed) if (site / TABLES).is_file() else None
    first = Page(site, FIRST, listed)
    there = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    order = list(dict.fromkeys([FIRST, *first.pages, *there]))
    pages = [{FIRST: first, TABLES: tables}.get(path) or Page(site, path, listed) for path in order]
    return assembled(site, first, pages)


def assembled(site: Path, shell: Page, pages: Sequence[Page]) -> str:
    """Return all pages within the header and footer of one of them."""
    styles = [inside(site / path, "style") for path in unique(page.styles for page in pages)]
    styles += [inside(site / "static/single.css", "style"), navigation([page.name for page in pages])]
    script = scripts(site, unique(page.scripts for page in pages))
    policy = (
        f"default-src 'none'; img-src data:; style-src {' '.join(map(digest, styles))}; script-src {digest(script)}"
    )
    filled = {
        POLICY: f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        STYLES: "".join(f"<style>{style}</style>\n" for style in styles),
        SKIPS: "".join(f'<a class="skip" href="#{page.name}">Skip to the content</a>\n' for page in pages),
        SCRIPTS: f"<script>{script}</script>\n",
    }
    parts = [*shell.before, *map(sheet, pages), f'<p class="note">{NOTE}</p>\n', *shell.after]
    return "".join(filled.get(part, part) for part in parts)


def sheet(page: Page) -> str:
    """Return the content of a page as an article."""
    title = escape(unescape(page.title.strip()))
    loaded = " ".join(posixpath.basename(script) for script in page.scripts)
    opened = (
        f'\n<article class="sheet" id="{page.name}" aria-label="{title}" data-title="{title}" data-scripts="{loaded}">'
    )
    return f"{opened}{''.join(page.main)}</article>\n"


def navigation(names: Sequence[str]) -> str:
    """Return style rules that depend on the address: they show one skip link and mark the page in the navigation."""
    rules = [".skip { display: none; }"]
    rules += [f"body:not(:has(.sheet:target, .sheet :target)) .skip[href='#{names[0]}'] {{ display: block; }}"]
    for name in names:
        shown = f"body:has(#{name}:target, #{name} :target)"
        rules += [f"{shown} .skip[href='#{name}'] {{ display: block; }}"]
        rules += [f"{shown} header.site a[href='#{name}'] {{ color: var(--ink); font-weight: 600; }}"]
    return "\n".join(rules)


def scripts(site: Path, paths: Iterable[str]) -> str:
    """Return one script that holds the scripts of the pages as functions of the document, and calls them."""
    parts = ['"use strict";\nconst scripts = {};\n']
    for path in paths:
        parts.append(f'scripts["{posixpath.basename(path)}"] = (document) => {{\n{inside(site / path, "script")}}};\n')
    return "".join([*parts, inside(site / "static/single.js", "script")])


def inside(file: Path, element: str) -> str:
    """Return the text of a file that is embedded in an element.

    Raises:
        ValueError: the text would end the element or load another file.
    """
    text = file.read_text("utf-8")
    if found := next((each for each in (f"</{element}", "<!--", "url(") if each in text.lower()), None):
        raise ValueError(
            f"{file} should be able to stand inside a <{element}> of another page; found {found!r} in it. "
            "Write it otherwise."
        )
    return text


def digest(text: str) -> str:
    """Return the digest by which a content security policy allows this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def unique(lists: Iterable[Sequence[str]]) -> list[str]:
    """Return the items of all lists, each once, in order of appearance."""
    return list(dict.fromkeys(each for some in lists for each in some))
