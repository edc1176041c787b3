"""An SVG of Matplotlib's as part of a page: no two of them share a name, and marked parts say what they are."""

from collections.abc import Mapping
from xml.etree import ElementTree

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"

ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)


def inline_svg(svg: str, name: str, label: str, titles: Mapping[str, str]) -> str:
    """The SVG as an element of HTML.

    Args:
        svg: a whole file.
        name: put before all its identifiers.
        label: what a screen reader says instead of it.
        titles: what is shown over parts of it, by their identifiers (gid).
    """
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)
    for element in list(root.iter()):
        title = titles.get(element.get("id", ""))
        if title is not None:
            hover = ElementTree.Element(f"{{{SVG}}}title")
            hover.text = title
            element.insert(0, hover)
        for key, value in list(element.attrib.items()):
            if key == "id":
                element.set(key, f"{name}-{value}")
            elif key == f"{{{XLINK}}}href":
                element.set(key, value.replace("#", f"#{name}-", 1))
            else:
                element.set(key, value.replace("url(#", f"url(#{name}-"))
    points = float(root.attrib.pop("width").removesuffix("pt"))
    root.attrib.pop("height")
    root.set("style", f"max-width: {points / 9:.0f}rem")
    root.set("role", "img")
    root.set("aria-label", label)
    return ElementTree.tostring(root, encoding="unicode")
