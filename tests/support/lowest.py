"""The oldest versions that requirements*.txt allow, one a line, as pip takes them for constraints.

python -m support.lowest > lowest.txt

A bound of two numbers, as `>=2.8`, stands for the releases that begin so: `==2.8.*`.
"""

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.paths import ROOT


def lower_bounds() -> dict[str, str]:
    """Give, for each package, the line that asks for the oldest version of it that is allowed."""
    lines = [line for path in sorted(ROOT.glob("requirements*.txt")) for line in path.read_text().splitlines()]
    asked = [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]
    return {
        canonicalize_name(each.name): f"{each.name}=={bound.version}.*"
        for each in asked
        for bound in each.specifier
        if bound.operator == ">="
    }


if __name__ == "__main__":
    print("\n".join(lower_bounds().values()))
