"""The doors' common part: fields, paging, the caller, problems, and the application around a service."""
