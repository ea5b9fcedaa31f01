//! The store on MariaDB.
