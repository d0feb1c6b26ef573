package main

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const available = "Available"

var environmentKind = schema.GroupVersionKind{
	Group: "rasa-environments.io", Version: "v1alpha1", Kind: "DeploymentEnvironment",
}

func newEnvironment() *unstructured.Unstructured {
	environment := &unstructured.Unstructured{}
	environment.SetGroupVersionKind(environmentKind)
	return environment
}

type reconciler struct {
	client.Client
	template *template
}

// Reconcile makes the children of one environment and writes its status.
func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	environment := newEnvironment()
	if err := r.Get(ctx, request.NamespacedName, environment); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if environment.GetDeletionTimestamp() != nil {
		return ctrl.Result{}, nil
	}
	live, err := r.live(ctx, r.template.childrenKey(request.NamespacedName))
	if err != nil {
		return ctrl.Result{}, err
	}
	desired := r.template.childrenOf(request.Name, request.Namespace, live.Secret.Data)
	if err := r.apply(ctx, environment, desired, live); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, r.writeStatus(ctx, environment, live)
}

// live returns the children of that name that are there, as the cache has them.
func (r *reconciler) live(ctx context.Context, key types.NamespacedName) (*children, error) {
	found := &children{}
	for _, child := range []client.Object{
		&found.ServiceAccount, &found.Secret, &found.ConfigMap, &found.Service, &found.Deployment,
	} {
		if err := r.Get(ctx, key, child); client.IgnoreNotFound(err) != nil {
			return nil, err
		}
	}
	return found, nil
}

// apply creates what is missing and updates what differs from what is desired. Fields that only the live object has,
// such as the defaults of the API server, are not compared.
func (r *reconciler) apply(ctx context.Context, owner client.Object, desired, live *children) error {
	steps := []struct {
		desired, live client.Object
		same          bool
	}{
		{&desired.ServiceAccount, &live.ServiceAccount, true},
		{&desired.Secret, &live.Secret, derives(asData(desired.Secret.StringData), live.Secret.Data)},
		{&desired.ConfigMap, &live.ConfigMap, derives(desired.ConfigMap.Data, live.ConfigMap.Data)},
		{&desired.Service, &live.Service, derives(desired.Service.Spec, live.Service.Spec)},
		{&desired.Deployment, &live.Deployment, derives(desired.Deployment.Spec, live.Deployment.Spec)},
	}
	for _, step := range steps {
		step.desired.SetOwnerReferences([]metav1.OwnerReference{ownerReference(owner)})
		if step.live.GetUID() == "" {
			if err := r.Create(ctx, step.desired); err != nil && !apierrors.IsAlreadyExists(err) {
				return err
			}
			continue
		}
		if step.same && derives(step.desired.GetLabels(), step.live.GetLabels()) &&
			derives(step.desired.GetOwnerReferences(), step.live.GetOwnerReferences()) {
			continue
		}
		if err := r.Patch(ctx, step.desired, client.MergeFrom(step.live)); err != nil {
			return err
		}
	}
	return nil
}

func asData(texts map[string]string) map[string][]byte {
	data := make(map[string][]byte, len(texts))
	for key, text := range texts {
		data[key] = []byte(text)
	}
	return data
}

func ownerReference(owner client.Object) metav1.OwnerReference {
	return *metav1.NewControllerRef(owner, environmentKind)
}

// writeStatus writes the status if it is another one than before.
func (r *reconciler) writeStatus(ctx context.Context, environment *unstructured.Unstructured, live *children) error {
	before := environment.DeepCopy()
	old, _, _ := unstructured.NestedMap(environment.Object, "status")
	status := r.template.statusOf(environment.GetName(), environment.GetNamespace())
	status["observedGeneration"] = environment.GetGeneration()
	replicas := live.Deployment.Spec.Replicas
	ready := replicas != nil && live.Deployment.Status.ReadyReplicas >= *replicas
	status["conditions"] = conditions(status["conditions"], old["conditions"], environment.GetGeneration(), ready)
	if equality.Semantic.DeepEqual(old, status) {
		return nil
	}
	environment.Object["status"] = status
	return r.Status().Patch(ctx, environment, client.MergeFrom(before))
}

// conditions returns the conditions with the times at which they last changed.
func conditions(template, old any, generation int64, ready bool) []any {
	transitions := make(map[string]map[string]any)
	olds, _ := old.([]any)
	for _, each := range olds {
		condition := each.(map[string]any)
		transitions[condition["type"].(string)] = condition
	}
	now := metav1.Now().UTC().Format("2006-01-02T15:04:05Z")
	made, _ := template.([]any)
	for _, each := range made {
		condition := each.(map[string]any)
		if condition["type"] == available && ready {
			condition["status"] = string(metav1.ConditionTrue)
		}
		condition["observedGeneration"] = generation
		condition["lastTransitionTime"] = now
		before, known := transitions[condition["type"].(string)]
		if known && before["status"] == condition["status"] {
			condition["lastTransitionTime"] = before["lastTransitionTime"]
		}
	}
	return made
}
