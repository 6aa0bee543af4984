"""Results of tests as JUnit XML, which CI systems read."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

if TYPE_CHECKING:
    from floe.cli.test import Tried


def junit_xml(tried: Sequence["Tried"]) -> str:
    """One suite per flow, one case per test; times are those of floe, not virtual ones."""
    from floe.cli.test import fault_lines

    root = Element("testsuites", name="floe")
    for flow in dict.fromkeys(one.case.flow for one in tried):
        ones = [one for one in tried if one.case.flow == flow]
        failed = sum(not one.is_ok for one in ones)
        suite = SubElement(
            root, "testsuite", name=flow, tests=str(len(ones)), failures=str(failed), errors="0"
        )
        for one in ones:
            case = one.case
            found = SubElement(
                suite,
                "testcase",
                classname=flow,
                name=case.name,
                file=case.file,
                line=str(case.line),
                time=f"{one.seconds:.3f}",
            )
            if not one.is_ok:
                text = "\n".join(fault_lines(one))
                SubElement(found, "failure", message=text.partition("\n")[0]).text = text
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"
