"""Codes as English sentences, for those who look at bytes: support and makers."""

from carebag_devices.codecs.ieee11073 import Special

SPECIALS = {
    Special.NAN: 'the device sends "not a number": it has no value',
    Special.NRES: 'the device sends "not at this resolution": it has no value',
    Special.POSITIVE_INFINITY: "above what the device can measure",
    Special.NEGATIVE_INFINITY: "below what the device can measure",
    Special.RESERVED: "the device sends a reserved code, no number",
}

WITHHELD = {
    "finger_off": "the sensor is not on the finger",
    "sensor_disconnected": "the sensor is not connected",
    "sensor_malfunction": "the sensor says that it is faulty",
    "equipment_malfunction": "the device says that it is faulty",
    "demonstration_data": "demonstration data, not from a patient",
    "test_data": "test data, not from a patient",
    "measurement_unavailable": "the device says that it has no measurement",
    "measurement_invalid": "the device says that the measurement is invalid",
    "measurement_questionable": "the device says that the measurement is questionable",
    "calibration_ongoing": "taken while the device was being calibrated",
    "inadequate_signal": "the device finds no usable signal",
    "no_contact": "the sensor does not touch the skin",
    "control_solution": "control solution: a check of the meter, never a patient's value",
    "strip_type_incorrect": "the strip is not of this meter's kind",
    "strip_insertion_error": "the strip was not put in correctly",
    "sample_size_insufficient": "too little blood on the strip",
    "reading_interrupted": "the strip was pulled out too early",
    "sensor_too_warm": "too warm for a valid result",
    "sensor_too_cold": "too cold for a valid result",
    "above_range": "above what the meter can measure",
    "below_range": "below what the meter can measure",
}

REFUSED = {
    "truncated": "shorter than it must be",
    "trailing_bytes": "longer than its fields: what is left over belongs to no field",
    "date_out_of_range": "holds a date or time that does not exist",
    "special_with_exponent": "holds a special number with an exponent, which means nothing",
    "percent_out_of_range": "more than 100 percent",
    "text_too_long": "longer than any characteristic may be",
    "record_too_long": "longer than any characteristic may be",
    "not_utf8": "not text (UTF-8)",
    "control_character": "holds control characters, which are no text",
    "byte_order_unknown": "in neither of the byte orders that are known for these devices",
    "out_of_sync": "no packet can be found in it",
    "unknown_opcode": "has an operation code that is not specified",
    "unknown_operator": "has an operator that is not specified",
    "invalid_operator": "has an operator that does not go with its operation",
    "unknown_filter": "has a filter that is not specified",
    "invalid_operand": "has an operand that does not go with its operator",
    "weekday_out_of_range": "has a day of the week that does not exist",
    "zone_out_of_range": "has a time zone that does not exist",
    "dst_out_of_range": "has a summer time that does not exist",
    "hours_out_of_range": "has hours that do not exist",
    "unknown_format": "has a sound format that is not decoded here",
    "no_samples": "holds no samples",
    "header_missing": "does not begin with a header (H) record",
    "terminator_missing": "does not end with a terminator (L) record",
    "bad_separators": "has a header whose separators cannot be used",
    "more_than_one_message": "holds more than one message",
    "unknown_record": "holds a record of an unknown type",
    "comparators_contradict": "says above and below the range at once",
    "transfer_incomplete": "breaks off in the middle of a transfer",
    "no_message": "holds no message",
    "bad_checksum": "has a wrong checksum",
    "bad_reply_size": "is neither a reply of ten records nor one record",
    "bad_limits": "holds a result whose limits cannot be",
    "bad_decimals": "holds a result with an impossible number of decimals",
    "not_a_number": "holds a result that is no number",
    "not_xml": "not XML",
    "document_type": "declares a document type, which is refused",
    "not_a_document": "not a whole XML document",
    "no_control_id": "holds a message without a number (HDR.control_id)",
    "too_deep": "nested deeper than any such message is",
    "too_many_elements": "longer than any such message is",
    "markup_too_long": "longer than any such message is",
    "too_long": "longer than any such message is",
}


def withheld(code: str) -> str:
    """Why a number is not shown."""
    return WITHHELD.get(code, code.replace("_", " "))


def refused(reason: str) -> str:
    """Why bytes are not read, with the code for those who look it up."""
    words = REFUSED.get(reason)
    return reason.replace("_", " ") if words is None else f"{words} ({reason})"
