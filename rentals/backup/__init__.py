"""Everything that the database holds, in one encrypted file, and back.

    envelope   bytes that only a key or a passphrase opens, and that nobody can change or cut unnoticed
    rows       rows as values of JSON, independent of the database; encrypted columns stay as they are stored
    archive    the lines of a backup, written and read
    versions   is a backup older or newer than this program, and how an older one becomes one of today

The keys of FIELD_ENCRYPTION_KEYS are never in a backup: codes in it are readable only with both.
"""
