"""The page: one file a tab, and what tabs share. `app.py` puts it together."""
