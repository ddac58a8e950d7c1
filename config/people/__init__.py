"""Who gets in: logging in, what slows down guessing, the second step, links for passwords, idle sessions."""
