"""Logging in through an OpenID Connect provider: the token (pure), the wire, the person, the pages."""
