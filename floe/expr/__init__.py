"""Small languages inside documents: pure and bounded. Substitution is the first."""
