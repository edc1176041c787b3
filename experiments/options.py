"""Flags: made from the declarations of the settings, and made into a checked RunConfig."""

import atexit
import dataclasses
import functools
import gc
import io
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from absl import app, flags, logging
from jax.errors import JaxRuntimeError

from experiments import console, parsers, process_flags, recipes
from lstm_jax.runs import folder as folders
from lstm_jax.runs import processes
from lstm_jax.runs.checkpoint import CheckpointError
from lstm_jax.runs.config import RunConfig, setting_fields
from lstm_jax.runs.files import at_home
from lstm_jax.runs.session import NotFiniteError
from lstm_jax.settings import SettingError, allowed_values, written
from lstm_jax.tasks.checks import TaskError

type Presets = recipes.Presets


def define_flags(base: RunConfig, presets: Presets) -> None:
    """Defines a flag for each setting, --preset, and those that say which process of a run this is.

    Args:
        base: the experiment with its defaults.
        presets: settings by name, for each preset; the first is the default.
    """
    names = list(presets)
    parsers.define_choice("preset", names, "recipe, which flags given by hand override", names[0])
    for name, field in chosen_fields(base).items():
        by_preset = {preset: presets[preset].get(name, field.default) for preset in names}
        define_setting(field, parsers.describe_defaults(by_preset))
    process_flags.define()


def define_setting(field: dataclasses.Field, default: str, *, may_be_empty: bool = False) -> None:
    """Defines the flag of one setting; its value is None where it is not given by hand.

    Args:
        field: the setting as it is declared.
        default: what holds without the flag, in words.
        may_be_empty: whether nothing is a value, too, as it is of a list.
    """
    allowed = allowed_values(field)
    text = "; ".join(filter(None, [field.metadata["description"], allowed, default]))
    parser = parsers.explaining(type(field.default), allowed, may_be_empty=may_be_empty)
    define = flags.DEFINE_boolean if type(field.default) is bool else functools.partial(flags.DEFINE, parser)
    define(field.name, None, text, module_name=sys.argv[0])


def config_from_flags(base: RunConfig, presets: Presets) -> RunConfig:
    """The settings of the preset, overridden by the flags given by hand, fitting what there is to learn from, checked.

    Raises:
        SettingError: names the first flag that cannot be used.
    """
    given = given_settings(base)
    config = recipes.follow(base, presets, flags.FLAGS.preset).replace(given).fitted(given)
    config.check()
    for name, reason in config.without_effect().items():
        if name in given:
            raise SettingError(name, given[name], f"has no effect {reason}")
    return config


def blaming_preset(base: RunConfig, presets: Presets) -> AbstractContextManager[None]:
    """Where what cannot be used comes from the preset and not from a flag, the error says so."""
    return recipes.blaming(presets, flags.FLAGS.preset, bool(flags.FLAGS["preset"].present), given_settings(base))


def chosen_fields(base: RunConfig) -> dict[str, dataclasses.Field]:
    """The declaration of every setting that has a flag."""
    return {name: field for name, field in setting_fields(base).items() if field.metadata["flag"]}


def given_settings(base: RunConfig) -> dict[str, Any]:
    """The settings that were given by hand."""
    given = {name: flags.FLAGS[name].value for name in chosen_fields(base) if flags.FLAGS[name].present}
    return {**given, "workdir": workdir()} if "workdir" in given else given


def workdir() -> str:
    """The folder of --workdir; empty where it was not given."""
    return at_home(flags.FLAGS.workdir or "")


def stored_config(base: RunConfig, workdir: str) -> RunConfig:
    """The settings of the run in a folder.

    Raises:
        SettingError: a setting given by hand differs from the run's.
        FolderError: the folder holds no run of this experiment.
    """
    record = folders.read_record(Path(workdir))
    if record["experiment"] != base.task.name:
        raise folders.FolderError(f"--workdir={workdir} holds a run of {record['experiment']}, not of {base.task.name}")
    stored = record["settings"]
    missing = setting_fields(base).keys() - stored.keys()
    if missing:
        raise folders.FolderError(f"--workdir={workdir}: its {folders.CONFIG} lacks {', '.join(sorted(missing))}")
    given = given_settings(base)
    for name, value in given.items():
        if setting_fields(base)[name].metadata["identity"] and stored[name] != value:
            raise SettingError(name, value, f"the run in {workdir} has {written(stored[name])}")
    if flags.FLAGS["preset"].present:
        raise SettingError("preset", flags.FLAGS.preset, "the run in --workdir has its recipe already")
    # Where things are may be said anew, such as --text_file: what is in it is known by its checksum.
    places = {name: value for name, value in given.items() if not setting_fields(base)[name].metadata["identity"]}
    return base.replace({**stored, **places, "workdir": workdir})


def start(main: Callable[[], int], advice: Callable[[str], str] = lambda flag: "") -> None:
    """Parses the flags and runs `main`; bad input ends in one line and exit status 2, never in a traceback.

    Args:
        main: does the work, returns the exit status.
        advice: what to say of a flag that there is not, beside that.
    """

    def parse(arguments: Sequence[str]) -> Sequence[str]:
        try:
            rest = _read(arguments)
        except flags.UnrecognizedFlagError as error:
            console.usage_error(parsers.unknown_flag(error.flagname, advice(error.flagname)))
        except flags.Error as error:
            console.usage_error(parsers.wrong_flag(error))
        except SystemExit:  # --help was printed; absl ends with status 1
            sys.exit(0)
        except BrokenPipeError:
            console.leave_silently()
        if len(rest) > 1:
            console.usage_error(f"{rest[1]!r} is not a flag; flags are written --name=value")
        return rest

    def guarded(_: Sequence[str]) -> int:
        try:
            with console.leaving_silently():
                return main()
        except (SettingError, TaskError, folders.FolderError) as error:
            console.usage_error(str(error))
        except (NotFiniteError, CheckpointError, OSError) as error:
            console.print_error(str(error)[:400])
            return processes.leave(1)
        except (processes.LostProcessError, JaxRuntimeError) as error:
            # A network that is too large for the memory is not a fault of the program: no traceback.
            console.print_error(console.out_of_memory(str(error)) or str(error)[:400])
            return processes.leave(1, at_once=True)
        except KeyboardInterrupt:
            return processes.leave(130, at_once=True)
        except Exception:
            if processes.is_alone():
                raise
            traceback.print_exc()
            return processes.leave(1)

    _prepare()
    app.run(guarded, flags_parser=parse)


def _read(arguments: Sequence[str]) -> list[str]:
    try:
        return flags.FLAGS(list(arguments))
    finally:
        sys.stdout.flush()  # --help may have been printed


def _prepare() -> None:
    """What holds for the whole process: its streams, what is logged, where garbage is looked for."""
    gc.enable()
    gc.freeze()  # the libraries are no garbage, now or at the end, where Python looks for it several times
    atexit.register(gc.freeze)
    logging.set_verbosity(logging.WARNING)
    # What is no text is answered like any unknown character; what a terminal cannot show does not end a program.
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)
