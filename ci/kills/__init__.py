"""The kill table: which planted bugs does the catalogue catch, by what, and how soon?"""
