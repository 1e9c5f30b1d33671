"""The dialect of transcriptions: the text of a recording."""
