"""What a reader sees: words, tables, charts and the blocks of a page. Results in; nothing is calculated here."""
