"""The networks trained in a folder go on with texts."""

from pathlib import Path

import jax

from lstm_jax.runs.ask import networks, restore
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.prompts import Wish, continue_prompt, describe_unknown, encode_prompt, unknown_codes
from lstm_jax.runs.text_problem import TextProblem
from lstm_jax.settings import SettingError


class Storyteller:
    """The networks trained in a folder, ready to go on with prompts.

    Args:
        config: the run's settings.
        folder: where it was trained.

    Raises:
        FolderError: nothing was trained there yet.
    """

    def __init__(self, config: RunConfig, folder: Path):
        self.problem = TextProblem(config)
        self._session, self.remarks = restore(config, folder)
        self._prompts = 0

    def tell(self, prompt: str, wish: Wish) -> list[str]:
        """How each network goes on, a paragraph a seed, and what of the prompt it does not know.

        Raises:
            SettingError: the prompt or the wish cannot be used.
        """
        if wish.write_unknown and not unknown_codes(self.problem.text.vocabulary):
            raise SettingError("write_unknown", "true", "has no effect: this network has no unknown word")
        codes = encode_prompt(self.problem, prompt)
        paragraphs, several = [], self._session.num_members > 1
        for seed, params in networks(self._session):
            key = jax.random.fold_in(jax.random.key(seed), self._prompts)
            if wish.sample_seed:
                key = jax.random.fold_in(key, wish.sample_seed)
            told = continue_prompt(self.problem, self._session.setup.program, params, codes, wish, key)
            between = " " if self.problem.settings.tokens == "words" else ""
            text = f"{prompt}{between}{told.text}"
            paragraphs.append("\n".join(filter(None, [f"seed {seed}: {text}" if several else text, told.remark])))
        self._prompts += 1
        return [*paragraphs, *describe_unknown(self.problem, prompt)]
