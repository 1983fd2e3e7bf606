"""Models in other people's formats: readers and writers, one public format a file."""
