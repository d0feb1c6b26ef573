// gitops answers what Argo CD and Flux make of objects: the result of a Lua script in Argo CD's sandbox, the status by
// Flux's healthCheckExprs, and the status by kstatus. It reads questions from standard input and writes answers, in the
// same order, to standard output; both are JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	luajson "layeh.com/gopher-json"
)

// question is an object, and what to ask about it.
type question struct {
	Object unstructured.Unstructured `json:"object"`
	// Script is Lua; none: it is not run.
	Script string `json:"script"`
	// Checks are spec.healthCheckExprs of a Flux Kustomization; none: they are not evaluated.
	Checks []kustomize.CustomHealthCheck `json:"checks"`
}

// answer has what was asked for.
type answer struct {
	Lua      json.RawMessage `json:"lua,omitempty"`
	LuaError string          `json:"luaError,omitempty"`
	Flux     string          `json:"flux,omitempty"`
	Kstatus  string          `json:"kstatus"`
}

func main() {
	var questions []question
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		fail(err)
	}
	answers := make([]answer, len(questions))
	for i := range questions {
		var err error
		if answers[i], err = questions[i].answered(); err != nil {
			fail(fmt.Errorf("question %d: %w", i, err))
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func (q *question) answered() (answer, error) {
	var a answer
	if q.Script != "" {
		result, err := runLua(q.Script, &q.Object)
		if err != nil {
			a.LuaError = err.Error()
		}
		a.Lua = result
	}
	if q.Checks != nil {
		newReader, err := cel.NewStatusReader(q.Checks)
		if err != nil {
			return a, err
		}
		result, err := newReader(nil).ReadStatusForObject(context.Background(), nil, &q.Object)
		if err != nil {
			return a, err
		}
		a.Flux = string(result.Status)
	}
	result, err := status.Compute(&q.Object)
	if err != nil {
		return a, err
	}
	a.Kstatus = string(result.Status)
	return a, nil
}

// runLua returns what the script returns, as JSON. It has what Argo CD lets a script of argocd-cm have (util/lua): the
// libraries package, base and table, and of os, which wants `require`, only date and time.
func runLua(script string, object *unstructured.Unstructured) (json.RawMessage, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
	} {
		state.Push(state.NewFunction(library.open))
		state.Push(lua.LString(library.name))
		state.Call(1, 0)
	}
	state.PreloadModule(lua.OsLibName, safeOs)
	encoded, err := object.MarshalJSON()
	if err != nil {
		return nil, err
	}
	value, err := luajson.Decode(state, encoded)
	if err != nil {
		return nil, err
	}
	state.SetGlobal("obj", value)
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	result := state.Get(-1)
	if result.Type() != lua.LTTable {
		return nil, fmt.Errorf("the script returns a %s, and not a table", result.Type())
	}
	return luajson.Encode(result)
}

func safeOs(state *lua.LState) int {
	lua.OpenOs(state)
	whole := state.CheckTable(-1)
	state.SetGlobal(lua.OsLibName, lua.LNil)
	safe := state.NewTable()
	for _, name := range []string{"date", "time"} {
		safe.RawSetString(name, whole.RawGetString(name))
	}
	state.Push(safe)
	return 1
}
