//! Networks of one named head of another.

use crate::interface::{Ends, Interface};
use crate::network::Network;
use crate::plan::Kind;

impl Network {
    /// The end of the parameters of hidden layers, and the beginning of those of a head.
    fn places(&self, name: &str) -> (usize, usize) {
        let (mut hidden, mut own) = (usize::MAX, None);
        for op in self.plan().ops().filter(|op| op.is_output) {
            let Kind::Linear(weights) = &op.kind else { continue };
            hidden = hidden.min(weights.offset);
            own = own.or((op.name == name).then_some(weights.offset));
        }
        assert!(!self.is_noisy(), "a head of a network without noise");
        (hidden, own.unwrap_or_else(|| panic!("there is no head `{name}`")))
    }

    /// Inputs and outputs of the network of a head alone.
    fn ends_of_head(&self, name: &str) -> Ends {
        let heads = &self.interface().heads;
        let outputs = heads.iter().find(|head| head.name == name).map_or(0, |head| head.outputs);
        Ends::new(self.ends().inputs, outputs)
    }

    /// The network with the hidden layers and one named head alone, as its only outputs; free parameters stay
    /// behind.
    ///
    /// ```
    /// use potstill_core::Pcg64;
    /// use potstill_nn::{Initialisation, Interface, NetworkSpec, Workspace};
    ///
    /// let interface = Interface::of_heads(3, &[("mean", 2), ("log_std", 2)]);
    /// let spec: NetworkSpec = "mlp:8:layernorm".parse()?;
    /// let network = spec.initialised(&interface, Initialisation::Pytorch, &mut Pcg64::new(1));
    /// let x = [0.1, 0.2, 0.3];
    /// let mut workspace = Workspace::default();
    /// let outputs = network.predict(&x, &mut workspace)[network.head_range("log_std", 1)].to_vec();
    /// assert_eq!(network.of_head("log_std").predict(&x, &mut workspace), outputs);
    /// # Ok::<(), potstill_nn::spec::SpecError>(())
    /// ```
    ///
    /// # Panics
    /// If there is no head of this name, or the network is noisy.
    #[must_use]
    pub fn of_head(&self, name: &str) -> Self {
        self.extract(name, &Interface::from(&self.ends_of_head(name)))
    }

    /// The same with all free parameters.
    ///
    /// # Panics
    /// If there is no head of this name, or the network is noisy.
    #[must_use]
    pub fn of_head_with_free(&self, name: &str) -> Self {
        let free = self.interface().free.clone();
        let mut network = self.extract(name, &Interface { free, ..(&self.ends_of_head(name)).into() });
        network.copy_free(self);
        network
    }

    /// The network of this interface with the hidden layers and one named head.
    fn extract(&self, name: &str, interface: &Interface) -> Self {
        let (hidden, own) = self.places(name);
        let mut network = self.spec().zeroed(interface);
        let layers = network.parameters().len() - network.free_count();
        network.update_parameters(|parameters| {
            let (of_hidden, of_head) = parameters[..layers].split_at_mut(hidden);
            of_hidden.copy_from_slice(&self.parameters()[..hidden]);
            of_head.copy_from_slice(&self.parameters()[own..][..of_head.len()]);
        });
        network.copy_statistics(self);
        network
    }

    /// Copies the free parameters of a network that has the same ones. They lie behind the layers.
    fn copy_free(&mut self, other: &Self) {
        let of = |network: &Self| network.parameters().len() - network.free_count()..;
        let (here, there) = (of(self), of(other));
        self.update_parameters(|parameters| parameters[here].copy_from_slice(&other.parameters()[there]));
    }

    /// Takes over the hidden layers and one named head from a network as [`of_head`](Self::of_head) gives it, or as
    /// [`of_head_with_free`](Self::of_head_with_free) does, with its free parameters.
    ///
    /// # Panics
    /// If there is no head of this name, or the other network has another form.
    pub fn copy_to_head(&mut self, name: &str, other: &Self) {
        let (hidden, own) = self.places(name);
        let expected = (self.spec(), &self.ends_of_head(name));
        assert_eq!((other.spec(), other.ends()), expected, "a network of this head");
        let (layers, free) = other.parameters().split_at(other.parameters().len() - other.free_count());
        let (of_hidden, of_head) = layers.split_at(hidden);
        self.update_parameters(|parameters| {
            parameters[..hidden].copy_from_slice(of_hidden);
            parameters[own..][..of_head.len()].copy_from_slice(of_head);
        });
        self.copy_statistics(other);
        if !free.is_empty() {
            assert_eq!(self.interface().free, other.interface().free, "the same free parameters");
            self.copy_free(other);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Initialisation, Interface, NetworkSpec};
    use potstill_core::Pcg64;

    #[test]
    fn a_head_that_is_taken_and_given_back_is_the_same() {
        let interface = Interface::of_heads(3, &[("a", 2), ("b", 4)]).with_free("c", 2, 0.5);
        let spec: NetworkSpec = "mlp:5,6:tanh".parse().unwrap();
        let network = |seed| spec.initialised(&interface, Initialisation::Pytorch, &mut Pcg64::new(seed));
        let (first, mut second) = (network(1), network(2));
        let before = second.of_head("a");
        second.copy_to_head("b", &first.of_head("b"));
        assert_eq!(second.of_head("b"), first.of_head("b"));
        assert!(second.of_head("a") != before, "with the hidden layers");
        assert_ne!(second.of_head("a"), first.of_head("a"));
        second.copy_to_head("a", &first.of_head("a"));
        assert_eq!(second, first);
    }

    #[test]
    fn free_parameters_go_with_a_head_if_they_are_asked_for() {
        let interface = Interface::of_heads(3, &[("a", 2), ("b", 4)]).with_free("c", 2, 0.5);
        let spec: NetworkSpec = "mlp:5:tanh".parse().unwrap();
        let mut network = spec.initialised(&interface, Initialisation::Pytorch, &mut Pcg64::new(1));
        let without = network.of_head("a");
        let last = network.parameters().len() - 2;
        network.update_parameters(|parameters| parameters[last..].copy_from_slice(&[0.25, -3.0]));
        let head = network.of_head_with_free("a");
        assert_eq!(head.free_parameters("c"), Some(&[0.25, -3.0][..]));
        // 3 x 5 + 5 of the hidden layer, 5 x 2 + 2 of the head.
        assert_eq!(head.parameters()[..32], *without.parameters());
        let mut other = spec.initialised(&interface, Initialisation::Pytorch, &mut Pcg64::new(2));
        other.copy_to_head("a", &without);
        assert_eq!(other.free_parameters("c"), Some(&[0.5, 0.5][..]), "stay where the other has none");
        other.copy_to_head("a", &head);
        assert_eq!(other.of_head_with_free("a"), head);
        assert_ne!(other.of_head("b"), network.of_head("b"), "the other head stays");
    }
}
