package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	kubernetesjson "k8s.io/apimachinery/pkg/util/json"
)

// children are what one environment consists of.
type children struct {
	ServiceAccount corev1.ServiceAccount
	Secret         corev1.Secret
	ConfigMap      corev1.ConfigMap
	Service        corev1.Service
	Deployment     appsv1.Deployment
}

// template is one environment as the operator makes it: its children and its status, with placeholders for its name
// and for its namespace.
type template struct {
	Name, Namespace string

	// Generated are the keys of the Secret whose values are made up for each environment.
	Generated []string

	// DigestAnnotation of the pod template tells pods with other contents of the ConfigMap or the Secret apart.
	DigestAnnotation string

	Children children
	Status   map[string]any
}

func readTemplate(path string) (*template, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	read := &template{}
	decoder := json.NewDecoder(file)
	decoder.UseNumber() // as the cache has numbers, so that a status can be compared with the one that is there
	if err := decoder.Decode(read); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := kubernetesjson.ConvertMapNumbers(read.Status, 0); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if read.Name == "" || read.Namespace == "" || read.DigestAnnotation == "" {
		return nil, fmt.Errorf("%s: a placeholder or the annotation of the digest is missing", path)
	}
	return read, nil
}

// childrenOf returns the children of the environment of that name and namespace. What was made up before is taken from
// the data of its Secret.
func (t *template) childrenOf(name, namespace string, before map[string][]byte) *children {
	made := &children{}
	t.Children.ServiceAccount.DeepCopyInto(&made.ServiceAccount)
	t.Children.Secret.DeepCopyInto(&made.Secret)
	t.Children.ConfigMap.DeepCopyInto(&made.ConfigMap)
	t.Children.Service.DeepCopyInto(&made.Service)
	t.Children.Deployment.DeepCopyInto(&made.Deployment)
	fill(reflect.ValueOf(made).Elem(), strings.NewReplacer(t.Name, name, t.Namespace, namespace))
	for _, key := range t.Generated {
		made.Secret.StringData[key] = string(before[key])
		if len(before[key]) == 0 {
			made.Secret.StringData[key] = rand.Text()
		}
	}
	digest := sha256.New()
	addTo(digest, made.ConfigMap.Data)
	addTo(digest, made.Secret.StringData)
	made.Deployment.Spec.Template.Annotations[t.DigestAnnotation] = hex.EncodeToString(digest.Sum(nil)[:8])
	return made
}

func addTo(digest hash.Hash, texts map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		fmt.Fprintf(digest, "%s\x00%s\x00", key, texts[key])
	}
}

// childrenKey returns the name that all children of an environment have.
func (t *template) childrenKey(environment types.NamespacedName) types.NamespacedName {
	name := strings.ReplaceAll(t.Children.Deployment.Name, t.Name, environment.Name)
	return types.NamespacedName{Namespace: environment.Namespace, Name: name}
}

// statusOf returns the status of the environment of that name and namespace while its pods are not available.
func (t *template) statusOf(name, namespace string) map[string]any {
	filling := strings.NewReplacer(t.Name, name, t.Namespace, namespace)
	return filled(t.Status, filling).(map[string]any)
}

// fill replaces the placeholders in all strings of a typed object, keys of maps and binary values left out.
func fill(value reflect.Value, filling *strings.Replacer) {
	switch value.Kind() {
	case reflect.String:
		if value.CanSet() && value.Len() > 0 {
			value.SetString(filling.Replace(value.String()))
		}
	case reflect.Pointer:
		if !value.IsNil() {
			fill(value.Elem(), filling)
		}
	case reflect.Struct:
		for position := range value.NumField() {
			fill(value.Field(position), filling)
		}
	case reflect.Slice:
		for position := range value.Len() {
			fill(value.Index(position), filling)
		}
	case reflect.Map:
		if value.Type().Elem().Kind() == reflect.String {
			for _, key := range value.MapKeys() {
				value.SetMapIndex(key, reflect.ValueOf(filling.Replace(value.MapIndex(key).String())))
			}
		}
	}
}

// filled returns a copy of a JSON value with the placeholders in all its strings replaced.
func filled(value any, filling *strings.Replacer) any {
	switch value := value.(type) {
	case string:
		return filling.Replace(value)
	case map[string]any:
		made := make(map[string]any, len(value))
		for key, each := range value {
			made[key] = filled(each, filling)
		}
		return made
	case []any:
		made := make([]any, len(value))
		for position, each := range value {
			made[position] = filled(each, filling)
		}
		return made
	default:
		return value
	}
}
