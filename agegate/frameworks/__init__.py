"""Sign-up in web frameworks: one module each, each an optional extra; nothing is imported from here."""
