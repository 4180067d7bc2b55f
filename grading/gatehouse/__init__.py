"""Gatehouse's lab tool and grader. It boots kernels and reads what they say; it knows no kernel internals."""
