"""What was published, and what comes out here: runs, figures, verdicts, table, picture."""
