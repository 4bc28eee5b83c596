"""What several packages share: errors, hints, digests, database URLs, atomic writing, locks.

The sections `serving` and `monitoring` of the settings are here too, since the definition and the
server, which don't know each other, both read them. It imports no other package of Beltline.
"""
