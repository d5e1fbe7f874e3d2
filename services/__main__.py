"""The command line. `holdfast --help` lists the commands, each `--help` has an example."""

import sys

import typer
from pydantic import ValidationError
from rich.console import Console

from services.cli import imports, journal, operations, running, seed
from services.cli.demo import demo
from services.wiring import AlreadyRunning, NotConfigured

app = typer.Typer(
    name="holdfast",
    help="Keeps clients with the company when the people who serve them leave.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for command in (running.up, running.serve, running.migrate, running.token, seed.seed, operations.republish, demo):
    app.command()(command)
app.command("import")(imports.import_file)
app.add_typer(operations.hris, name="hris")
app.add_typer(operations.parked, name="parked")
app.add_typer(journal.journal, name="journal")


def main() -> None:
    """Runs a command. Exit status: 0 done, 1 refused or partly refused, 2 wrong usage."""
    try:
        app()
    except AlreadyRunning as problem:
        _end(str(problem), 1)
    except NotConfigured as problem:
        _end(str(problem), 2)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        _end(f"A setting cannot be used: {wrong}", 2)
    except KeyboardInterrupt:
        sys.exit(130)


def _end(message: str, status: int) -> None:
    Console(stderr=True).print(message, style="red", highlight=False)
    sys.exit(status)


if __name__ == "__main__":
    main()
