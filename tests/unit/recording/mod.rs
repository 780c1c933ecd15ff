//! A recording gives the same verdict again, with the same explanation, without the network; and a stranger's recording
//! can do no more than that.

mod damage;
mod identity;
mod stage;
mod trouble;
