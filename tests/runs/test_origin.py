"""Which commit is said to have made a run: that of the repository which has this very file, and of no other."""

import subprocess

from lstm_jax.runs import origin


def test_a_repository_around_an_installed_package_is_not_its_own(tmp_path, monkeypatch):
    def git(*words):
        who = ["-c", "user.name=me", "-c", "user.email=me@example.com"]
        done = subprocess.run(["git", *who, "-C", tmp_path, *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    file = tmp_path / ".venv" / "origin.py"
    file.parent.mkdir()
    file.write_text("")
    (tmp_path / "mine").write_text("")
    monkeypatch.setattr(origin, "__file__", str(file))
    assert origin.git_commit() is None
    git("init")
    git("add", "mine")
    git("commit", "-m", "mine")
    assert origin.git_commit() is None
    git("add", "--force", str(file))
    git("commit", "-m", "the package's checkout")
    assert origin.git_commit() == git("rev-parse", "HEAD")
    (tmp_path / "notes.txt").write_text("no code")
    assert origin.git_commit() == git("rev-parse", "HEAD")
    new = tmp_path / "tasks" / "new.py"
    new.parent.mkdir()
    new.write_text("")
    assert origin.git_commit() == git("rev-parse", "HEAD") + "-dirty"
    new.unlink()
    assert origin.git_commit() == git("rev-parse", "HEAD")
    file.write_text("changed")
    assert origin.git_commit() == git("rev-parse", "HEAD") + "-dirty"
