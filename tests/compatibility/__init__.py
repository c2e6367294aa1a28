"""How we stand to Celery: a table whose rows name the tests that prove them. The page of the documentation is made from it."""
