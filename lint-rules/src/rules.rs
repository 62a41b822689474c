//! The registry: one line for each rule.

use crate::Rule;

/// Declares the modules and lists their rules.
macro_rules! rules {
    ($($name:ident),* $(,)?) => {
        $(mod $name;)*

        /// All rules, in the order of the registry.
        pub const ALL: &[&Rule] = &[$(&$name::RULE),*];
    };
}

rules! {
    adjust_not_relative,
    buffer_changed_under_slice,
    buffer_instead_of_slice,
    buffer_too_small,
    clone_not_copy,
    clone_released_elsewhere,
    dynptr_copied,
    dynptr_data_on_packet,
    dynptr_from_stack_memory,
    dynptr_not_on_stack,
    dynptr_not_released,
    dynptr_over_deleted_element,
    dynptr_overwritten,
    dynptr_released_twice,
    dynptr_used_after_release,
    inverted_write_back,
    length_taken_for_status,
    link_layer_offset,
    missing_null_check,
    missing_write_back,
    needless_slice_rdwr,
    needless_write_back,
    non_constant_slice_length,
    not_in_target_kernel,
    null_buffer_on_fragmented_packet,
    offset_truncated,
    outdated_dynptr,
    outdated_metadata_dynptr,
    overlapping_copy,
    range_beyond_dynptr,
    read_only_slice_to_global_function,
    read_result_ignored,
    record_not_filled,
    record_not_shortened,
    referenced_dynptr_overwritten,
    release_in_global_function,
    result_ignored,
    shared_slice_buffer,
    size_of_null_dynptr,
    sizeof_pointer_length,
    slice_address_leaked,
    slice_as_map_argument,
    slice_before_adjust,
    slice_out_of_bounds,
    slice_outlives_buffer,
    slice_rdwr_not_allowed,
    slice_used_after_release,
    stale_checksum,
    stale_packet_pointer,
    stale_slice,
    status_taken_for_length,
    store_to_read_only_slice,
    uninitialised_dynptr,
    unnoticed_stale_slice,
    unsupported_flags,
    write_back_mismatch,
    write_from_own_packet,
    write_to_read_only_dynptr,
    write_to_shared_packet,
    wrong_buffer_compared,
    xdp_access_beyond_64k,
    zero_length_access,
}

/// The rule of that name.
pub fn find(name: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|rule| rule.name == name)
}
