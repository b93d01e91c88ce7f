"""Which stage follows which, what is cached, what is stale: jobs in, results out, all kept in the session."""
