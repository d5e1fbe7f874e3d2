"""The command line. `holdfast --help` lists the commands, each `--help` has an example."""

import sys

import typer
from pydantic import ValidationError
from rich.console import Console

from services.cli.demo.command import show_demo
from services.cli.imports.command import import_file
from services.cli.journal import journal_app
from services.cli.operations import hris_app, parked_app, republish_service
from services.cli.seed.command import seed_company
from services.cli.startup import migrate_databases, print_token_or_make_key, serve_embedded_system, serve_replica
from services.wiring import AlreadyRunning, NotConfigured

app = typer.Typer(
    name="holdfast",
    help="Keeps clients with the company when the people who serve them leave.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("up")(serve_embedded_system)
app.command("serve")(serve_replica)
app.command("migrate")(migrate_databases)
app.command("token")(print_token_or_make_key)
app.command("seed")(seed_company)
app.command("republish")(republish_service)
app.command("demo")(show_demo)
app.command("import")(import_file)
app.add_typer(hris_app, name="hris")
app.add_typer(parked_app, name="parked")
app.add_typer(journal_app, name="journal")


def main() -> None:
    """Runs a command. Exit status: 0 done, 1 refused or partly refused, 2 wrong usage."""
    try:
        app()
    except AlreadyRunning as problem:
        _exit_with_message(str(problem), 1)
    except NotConfigured as problem:
        _exit_with_message(str(problem), 2)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        _exit_with_message(f"A setting cannot be used: {wrong}", 2)
    except KeyboardInterrupt:
        sys.exit(130)


def _exit_with_message(message: str, status: int) -> None:
    Console(stderr=True).print(message, style="red", highlight=False)
    sys.exit(status)


if __name__ == "__main__":
    main()
