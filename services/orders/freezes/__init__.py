"""The open stages of whoever is frozen are held; passes release them; a rehire restores none."""
