"""uTask's actions, and the plugins that add others."""
