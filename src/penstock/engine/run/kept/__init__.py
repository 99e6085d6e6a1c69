"""What operators keep of rows: whole rows by number, texts, tuples; grown in place, taken out in one piece."""
