"""What the experiments on texts have in common: train and report, or let a trained network go on with a text."""

import dataclasses
import shlex
import sys
from pathlib import Path
from typing import Any

from absl import flags

from experiments import options, parsers, training
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.prompts import Wish, example_prompt
from lstm_jax.runs.story import Storyteller
from lstm_jax.runs.text_problem import TextProblem
from lstm_jax.runs.texts import identify
from lstm_jax.settings import SettingError, check_ranges

WISHES = {field.name: field for field in dataclasses.fields(Wish)}


def define_flags() -> None:
    """Defines --generate, how it is done, and --interactive."""
    flags.DEFINE_string(
        "generate", None, "lets the network trained in --workdir go on with these words", module_name=sys.argv[0]
    )
    flags.DEFINE_boolean(
        "interactive", None, "asks for words again and again, and goes on with them", module_name=sys.argv[0]
    )
    for field in WISHES.values():
        options.define_setting(field, parsers.describe_default(field.default))


def main(base: RunConfig, presets: options.Presets) -> int:
    """Trains and reports, or writes; returns the exit status."""
    prompt, interactive = flags.FLAGS.generate, flags.FLAGS.interactive
    if prompt is not None and interactive:
        raise SettingError("interactive", "true", "contradicts --generate")
    if prompt is not None or interactive:
        flag, value = ("generate", prompt) if prompt is not None else ("interactive", "true")
        wish = wished()
        teller = Storyteller(*trained(base, flag, value))
        print("\n".join([*teller.remarks, *teller.tell(prompt, wish)])) if prompt is not None else ask(teller, wish)
        return 0
    for name in WISHES:
        if flags.FLAGS[name].present:
            raise SettingError(name, flags.FLAGS[name].value, "needs --generate or --interactive")
    with options.blaming_preset(base, presets):
        config = identify(options.config_from_flags(base, presets), options.given_settings(base))
        problem = TextProblem(config)
    training.note_ignored(base, presets, config)
    text, settings = problem.text, problem.settings
    source = f"{Path(settings.text_file).name}" if settings.text_file else "the fable"
    size = f"{len(text.train):,} {settings.tokens} of {source}, {text.num_learned:,} different"
    seen = "all before seen" if settings.stateful else f"{settings.seq_len} seen"
    return training.train(config, f"{size}, {seen}", shlex.join([f"--generate={example_prompt(problem)}"]))


def advice(flag: str) -> str:
    """What to do instead, where a flag of the experiments with strings was given."""
    return 'a text is asked for with --generate="SOME WORDS"' if flag == "predict" else ""


def wished() -> Wish:
    """How a text is to go on, as the flags say.

    Raises:
        SettingError: a flag is out of range.
    """
    given: dict[str, Any] = {name: flags.FLAGS[name].value for name in WISHES if flags.FLAGS[name].present}
    wish = dataclasses.replace(Wish(), **given)
    check_ranges(wish)
    for name in ("top_k", "sample_seed"):
        if name in given and given[name] and not wish.temperature:
            raise SettingError(name, given[name], "has no effect without --temperature")
    return wish


def trained(base: RunConfig, flag: str, value: str) -> tuple[RunConfig, Path]:
    """The run in --workdir, that flag `flag` asks something; as `training.trained`."""
    try:
        return training.trained(base, flag, value)
    except SettingError as error:
        if error.name == "seed":  # it is that of the training
            raise SettingError("seed", error.value, f"{error.allowed}; for another text give --sample_seed") from None
        raise


def ask(teller: Storyteller, wish: Wish) -> None:
    """Reads prompts, a line each, until there are no more."""
    settings = teller.problem.settings
    wanted = "some" if settings.stateful else str(settings.seq_len)
    print(*teller.remarks, f"Type {wanted} {settings.tokens} and Enter; Ctrl-D ends.", sep="\n", flush=True)
    for line in sys.stdin:
        prompt = line.strip("\r\n")
        try:
            print("\n".join(teller.tell(prompt, wish)), flush=True)
        except SettingError as error:
            print(f"{error.value!r}: {error.allowed}", flush=True)
