"""Words that a network does not know, and characters that a terminal does not."""

from tests.experiments.test_next_word import SMALL, result_of, run, words_of_fable


def test_a_word_that_is_read_as_unknown_is_named(tmp_path):
    output = run(*SMALL, "--min_count=2", "--lowercase", f"--workdir={tmp_path}").stdout
    words = words_of_fable()
    share = sum(words.count(word) == 1 for word in words) / len(words)
    assert f"; {share:.1%} of it is <unk>, to be foretold like any other." in output
    flags = [f"--workdir={tmp_path}", "--num_words=2"]
    story, *remarks = run(*flags, "--generate=the COUNCIL mice").stdout.splitlines()
    assert "<unk>" not in story
    assert story.startswith("the COUNCIL mice ")
    assert remarks[-1].startswith("(word 'council' at position 2 is read as <unk>; ")
    known = run(*flags, "--generate=the mice <unk>").stdout
    assert "is read as" not in known
    asked = run(*flags, "--interactive", typed="the mise the\n").stdout
    assert "(word 'mise' at position 2 is read as <unk>; nearest: mice" in asked


def test_a_story_has_unknown_words_only_where_they_are_wished_for(tmp_path):
    run(*SMALL, "--min_count=3", "--lowercase", "--num_steps=60", f"--workdir={tmp_path}")
    flags = [f"--workdir={tmp_path}", "--num_words=40", "--temperature=2", "--generate=and to the"]
    assert "<unk>" not in run(*flags).stdout
    assert "<unk>" in run(*flags, "--write_unknown").stdout


def test_a_text_with_unknown_words_of_its_own_is_told_without_them_too(tmp_path):
    (tmp_path / "text").write_text("the cat sat on <unk> mat and <unk> sat on the <unk> " * 30)
    run(*SMALL, f"--text_file={tmp_path / 'text'}", f"--workdir={tmp_path / 'run'}")
    flags = [f"--workdir={tmp_path / 'run'}", "--num_words=40", "--temperature=2", "--generate=the cat sat"]
    assert "<unk>" not in run(*flags).stdout
    assert "<unk>" in run(*flags, "--write_unknown").stdout


def test_a_wish_for_unknown_words_of_a_network_that_knows_all_is_refused(tmp_path):
    run(*SMALL, f"--workdir={tmp_path}")
    error = run(f"--workdir={tmp_path}", "--generate=had a general", "--write_unknown", status=2).stderr
    assert "--write_unknown=true: has no effect: this network has no unknown word" in error


def test_very_long_words_are_cut_where_they_are_shown(tmp_path):
    long, folder = "x" * 100_000, f"--workdir={tmp_path / 'run'}"
    (tmp_path / "text").write_text(f"one {long} two three four one {long} two three four one {long}")
    output = run(*SMALL, f"--text_file={tmp_path / 'text'}", folder).stdout
    assert max(map(len, output.splitlines())) < 400
    assert "'--generate=two three four'" in output
    error = run(folder, f"--generate=one {long[:999]} two", status=2).stderr
    assert len(error) < 1_200
    told = run(folder, f"--generate=one {long} two", "--num_words=2").stdout
    assert told.startswith(f"one {long} two "), "what was asked for is not cut"


def test_what_a_terminal_cannot_show_is_spelled_out(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    (tmp_path / "text").write_text("ὁ μῦς ὁ αἴλουρος καὶ ὁ κώδων ὁ μῦς", encoding="utf-8")
    folder = f"--workdir={tmp_path / 'run'}"
    run(*SMALL, f"--text_file={tmp_path / 'text'}", "--tokens=characters", folder)
    assert run(folder, "--generate=μῦς", "--num_words=1").stdout.startswith(r"\u03bc\u1fe6\u03c2")


def test_the_vocabulary_is_that_of_what_is_learned(tmp_path):
    folder = tmp_path / "run"
    output = run(*SMALL, "--held_out=0.3", f"--workdir={folder}").stdout
    words = words_of_fable()
    learned, held_out = words[:143], words[143:]
    share = sum(word not in learned for word in held_out) / len(held_out)
    assert len(set(learned)) == 88
    assert "143 words of the fable, 88 different" in output
    assert "143 words are learned, 88 different." in output
    assert f"Of the held-out words {share:.1%} do not occur in what is learned and are read as <unk>" in output
    result = result_of(folder)
    never = sum(word not in learned for word in held_out[3:])
    assert result["ceiling"]["right"] <= len(held_out) - 3 - never
    told = run(f"--workdir={folder}", "--generate=the cat remedies", "--num_words=1").stdout
    assert "(word 'remedies' at position 3 is read as <unk>; " in told


def test_what_is_rare_in_the_learned_part_is_said_beside_what_is_unknown_elsewhere(tmp_path):
    output = run(*SMALL, "--held_out=0.3", "--min_count=2", f"--workdir={tmp_path}").stdout
    words = words_of_fable()
    rare = [word for word in words if words[:143].count(word) < 2]
    share = sum(word in rare for word in words[143:]) / len(words[143:])
    assert f"Of the held-out words {share:.1%} are <unk>: rare or absent in what is learned." in output
