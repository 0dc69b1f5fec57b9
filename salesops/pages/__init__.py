"""One folder for each notebook: findings.py is what is found, page.py what is shown, words.py what is said."""
