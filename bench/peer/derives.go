package main

import (
	"reflect"

	"k8s.io/apimachinery/pkg/util/intstr"
)

// derives says whether a live value has everything that is desired. What is not set, and so may have got a default of
// the API server, is not compared; equality.Semantic.DeepDerivative compares numbers that are not set, too.
func derives(desired, live any) bool {
	return valueDerives(reflect.ValueOf(desired), reflect.ValueOf(live))
}

func valueDerives(desired, live reflect.Value) bool {
	if desired.IsZero() {
		return true
	}
	switch desired.Kind() {
	case reflect.Pointer:
		return !live.IsNil() && pointedDerives(desired.Elem(), live.Elem())
	case reflect.Struct:
		for position := range desired.NumField() {
			if !valueDerives(desired.Field(position), live.Field(position)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if desired.Len() != live.Len() {
			return false
		}
		for position := range desired.Len() {
			if !valueDerives(desired.Index(position), live.Index(position)) {
				return false
			}
		}
		return true
	case reflect.Map:
		for _, key := range desired.MapKeys() {
			if found := live.MapIndex(key); !found.IsValid() || !valueDerives(desired.MapIndex(key), found) {
				return false
			}
		}
		return true
	default:
		return desired.Equal(live)
	}
}

// pointedDerives compares what a pointer leads to: there, 0 and false are set.
func pointedDerives(desired, live reflect.Value) bool {
	_, isNumberOrText := reflect.TypeAssert[intstr.IntOrString](desired)
	if isNumberOrText || (desired.Kind() != reflect.Struct) {
		return desired.Equal(live)
	}
	return valueDerives(desired, live)
}
