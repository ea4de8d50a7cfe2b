"""
The command line, and its exit status.

That is 0 when all is done, 1 when something could not be, 2 for a command line
that makes no sense; ``doctor`` has one more.  Secrets are read from a prompt, a
file or standard input, and never taken from the command line, where other users
could see them.
"""

import argparse
import errno
import io
import os
import sys
from collections.abc import Sequence

from antigravity_gw import __version__
from antigravity_gw.checking import checked, good_news
from antigravity_gw.cli.accounts import add_account_parsers
from antigravity_gw.cli.common import CommandError, complain, overrides
from antigravity_gw.cli.doctor import add_doctor_parser
from antigravity_gw.cli.imports import add_import_parser
from antigravity_gw.cli.keys import add_key_parsers
from antigravity_gw.cli.login import add_login_parser
from antigravity_gw.cli.trials import add_test_parser
from antigravity_gw.cli.usage import add_usage_parser
from antigravity_gw.database import StoreError
from antigravity_gw.settings import ConfigError

_UNWRITABLE = (errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC)
"""What keeps output from being written that a terminal or a file is to get."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; return the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name may be any
    options = _parser().parse_args(arguments)
    try:
        status: int = options.command(options)
        sys.stdout.flush()
    except (CommandError, ConfigError, StoreError) as error:
        for line in str(error).splitlines():
            complain(line)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever reads the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        complain(
            f"standard output cannot be written ({error.strerror}); what was to be "
            "done may be done all the same: 'antigravity-gw accounts list' shows it"
        )
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="antigravity-gw",
        description="Look after the gateway's accounts, keys and configuration. "
        "The daemon itself is started with 'twistd -n antigravity-gw'.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("-c", "--config", metavar="FILE", help="the configuration file")
    parser.add_argument(
        "-s", "--state-dir", metavar="DIR", help="the directory of the store"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser(
        "check-config", help="say what is wrong with the configuration"
    )
    check.set_defaults(command=check_config)
    add_login_parser(commands)
    accounts = commands.add_parser("accounts", help="the accounts of the pool")
    account_commands = accounts.add_subparsers(required=True, metavar="COMMAND")
    add_account_parsers(account_commands)
    add_import_parser(account_commands)
    add_test_parser(account_commands)
    keys = commands.add_parser("keys", help="who may call, and how much")
    add_key_parsers(keys.add_subparsers(required=True, metavar="COMMAND"))
    add_doctor_parser(commands)
    add_usage_parser(commands)
    return parser


def check_config(options: argparse.Namespace) -> int:
    """Say whether the configuration is good, as ``nginx -t`` does."""
    print(good_news(checked(options.config, os.environ, overrides(options))))
    return 0
