//! Rigid bodies in the plane: the part of Box2D 2.3.0 that the environments of
//! [`box2d_envs`](crate::box2d_envs) need, in its order of operations, so that they give the same bits.
//!
//! This is an altered version of Box2D, ported to Rust from its C++ source: bodies, contacts and joints lie
//! in arrays and name each other by their places, bounding boxes are compared one with another instead of
//! in a tree (contacts keep the order that the tree's numbers give them), and these are absent: circles,
//! chains, sensors, kinematic bodies, bullets, damping, all joints but the revolute one, and contacts of
//! two dynamic bodies, which the filters of the environments exclude. Box2D's notice:
//!
//! > Copyright (c) 2006-2011 Erin Catto <http://www.box2d.org>
//! >
//! > This software is provided 'as-is', without any express or implied warranty. In no event will the
//! > authors be held liable for any damages arising from the use of this software. Permission is granted to
//! > anyone to use this software for any purpose, including commercial applications, and to alter it and
//! > redistribute it freely, subject to the following restrictions:
//! >
//! > 1. The origin of this software must not be misrepresented; you must not claim that you wrote the
//! >    original software. If you use this software in a product, an acknowledgment in the product
//! >    documentation would be appreciated but is not required.
//! > 2. Altered source versions must be plainly marked as such, and must not be misrepresented as being the
//! >    original software.
//! > 3. This notice may not be removed or altered from any source distribution.
//!
//! Everything is in single precision. Rust fuses no multiplication with an addition, and reorders none; so
//! a product and a sum here are two roundings, as in Box2D compiled for SSE2.

use std::f32::consts::PI;

mod body;
mod collide;
mod contact;
mod contact_solver;
mod distance;
mod impact;
mod island;
mod joint;
mod lanes;
mod maths;
mod saved;
mod shape;
mod sine;
mod velocity;
mod world;

pub(crate) use body::BodyDef;
pub(crate) use joint::RevoluteJointDef;
pub(crate) use lanes::IslandLanes;
pub(crate) use maths::{Vec2, vec2};
pub(crate) use shape::{Polygon, Shape};
pub(crate) use world::TimeStep;
pub(crate) use world::World;

/// Collision and constraint tolerance (m).
const LINEAR_SLOP: f32 = 0.005;
/// Angular tolerance (rad): 2 degrees.
const ANGULAR_SLOP: f32 = 2.0 / 180.0 * PI;
/// The skin of polygons and edges (m).
const POLYGON_RADIUS: f32 = 2.0 * LINEAR_SLOP;
const EPSILON: f32 = f32::EPSILON;
