//! Methods of an environment that those around it forward to it, as their field `env`.

/// The methods that most environments around another forward.
macro_rules! forward {
    (observation_space) => {
        fn observation_space(&self) -> Space {
            self.env.observation_space()
        }
    };
    (action_space) => {
        fn action_space(&self) -> Space {
            self.env.action_space()
        }
    };
    (reset) => {
        fn reset(&mut self, seed: Option<u64>, observation: &mut Self::Observation) {
            self.env.reset(seed, observation);
        }
    };
    (scene) => {
        fn scene(&self) -> Option<Scene> {
            self.env.scene()
        }
    };
    (reseed) => {
        fn reseed(&mut self, seed: u64) {
            self.env.reseed(seed);
        }
    };
    (scene_of) => {
        fn scene_of(&self, observation: &Self::Observation) -> Option<Scene> {
            self.env.scene_of(observation)
        }

        fn state_maps(&self) -> Vec<crate::StateMap> {
            self.env.state_maps()
        }
    };
    (raw_reward) => {
        fn raw_reward(&self) -> Option<f64> {
            self.env.raw_reward()
        }
    };
    (model) => {
        fn model(&self) -> Option<Arc<TransitionModel>> {
            self.env.model()
        }
    };
    // Of a step that fails before anything is changed around it.
    (is_retriable) => {
        fn is_retriable(&self) -> bool {
            self.env.is_retriable()
        }
    };
    (is_stochastic) => {
        fn is_stochastic(&self) -> bool {
            self.env.is_stochastic()
        }
    };
}
