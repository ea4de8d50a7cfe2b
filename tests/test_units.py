"""The units in ``contrib/systemd``, as systemd itself looks at them."""

import re
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from tools import debian_tool, output

from antigravity_gw.config import Config
from antigravity_gw.draining import LAST_WORDS

ROOT = Path(__file__).parents[1]
UNITS = ROOT / "contrib" / "systemd"
INSTALLED = "/opt/antigravity-gw/bin/"


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units, for programs that are where they are tested."""
    units = []
    here = f"{Path(sys.executable).parent}/"
    for source in sorted(UNITS.iterdir()):
        unit = tmp_path / source.name
        unit.write_text(source.read_text().replace(INSTALLED, here))
        units.append(unit)
    return units


def section(name: str, unit: str = "antigravity-gw.service") -> dict[str, str]:
    """A section of a unit; of a setting that is repeated, the last."""
    parser = ConfigParser(strict=False, interpolation=None, delimiters="=")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNITS / unit)
    return dict(parser[name])


def test_verified(units: list[Path]) -> None:
    """systemd finds nothing to say against them."""
    analyze = debian_tool("systemd-analyze", "systemd")

    assert [unit.suffix for unit in units] == [".service", ".socket"]
    assert output(analyze, "verify", "--man=no", *units) == ""


def test_exposure(units: list[Path]) -> None:
    """What the service could do if it were taken over scores 2.0 at most, of 10."""
    analyze = debian_tool("systemd-analyze", "systemd")
    told = output(analyze, "security", "--offline=true", "--no-pager", units[0])
    found = re.search(r"Overall exposure level for .*: ([\d.]+)", told)
    assert found, told
    print(f"systemd-analyze security: {found[1]}")

    assert float(found[1]) <= 2.0, told


def test_the_end_has_its_time() -> None:
    """By default what is under way is served before systemd kills anything."""
    seconds = int(section("Service")["TimeoutStopSec"].removesuffix("s"))

    assert seconds > Config().http.drain_seconds + LAST_WORDS


def test_descriptors() -> None:
    """As many as the defaults may come to need."""
    limits = Config().limits

    assert int(section("Service")["LimitNOFILE"]) >= 2 * limits.requests


def test_tls_has_what_it_needs() -> None:
    """Its callbacks are memory that is written and run, which must not be denied."""
    assert "MemoryDenyWriteExecute" not in section("Service")


def test_ten_commands() -> None:
    """The document has as many, in order, and for the place that the unit names."""
    told = (ROOT / "docs" / "systemd.md").read_text().partition("```sh\n")[2]
    steps = told.partition("\n```")[0]
    numbers = re.findall(r"^# (\d+)  ", steps, re.M)

    assert numbers == [str(number) for number in range(1, 11)]
    assert section("Service")["ExecStart"].startswith(INSTALLED)
    assert f"python3 -m venv {INSTALLED.removesuffix('/bin/')}\n" in steps


def test_the_socket_is_called_what_the_documents_say() -> None:
    """The name in the configuration is that in the unit, and so is the address."""
    socket = section("Socket", "antigravity-gw.socket")
    said = (ROOT / "docs" / "systemd.md").read_text()

    assert f"systemd:domain=INET:name={socket['FileDescriptorName']}" in said
    assert Config().listen == (
        "tcp:{1}:interface={0}".format(*socket["ListenStream"].split(":")),
    )
