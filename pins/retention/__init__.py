"""How long records are kept, and what is erased of a guest on request or by age."""
