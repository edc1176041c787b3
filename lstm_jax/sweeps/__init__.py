"""Floor 5: many runs that answer one question: which settings, what came out, tables, pictures and a page."""
