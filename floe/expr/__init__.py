"""Small languages inside documents: pure and bounded."""
