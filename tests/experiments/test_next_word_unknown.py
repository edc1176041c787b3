"""Words that a network does not know, and characters that a terminal does not."""

from tests.experiments.test_next_word import SMALL, run, words_of_fable


def test_a_word_that_is_read_as_unknown_is_named(tmp_path):
    output = run(*SMALL, "--min_count=2", "--lowercase", f"--workdir={tmp_path}").stdout
    words = words_of_fable()
    share = sum(words.count(word) == 1 for word in words) / len(words)
    assert f"; {share:.1%} of it is <unk>, to be foretold like any other." in output
    flags = [f"--workdir={tmp_path}", "--num_words=2"]
    story, *remarks = run(*flags, "--generate=the COUNCIL mice").stdout.splitlines()
    assert story.startswith("the COUNCIL mice ")
    assert remarks[-1].startswith("(word 'council' at position 2 is read as <unk>; ")
    known = run(*flags, "--generate=the mice <unk>").stdout
    assert "is read as" not in known
    asked = run(*flags, "--interactive", typed="the mise the\n").stdout
    assert "(word 'mise' at position 2 is read as <unk>; nearest: mice" in asked


def test_what_a_terminal_cannot_show_is_spelled_out(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    (tmp_path / "text").write_text("ὁ μῦς ὁ αἴλουρος καὶ ὁ κώδων ὁ μῦς", encoding="utf-8")
    folder = f"--workdir={tmp_path / 'run'}"
    run(*SMALL, f"--text_file={tmp_path / 'text'}", "--tokens=characters", folder)
    assert run(folder, "--generate=μῦς", "--num_words=1").stdout.startswith(r"\u03bc\u1fe6\u03c2")
