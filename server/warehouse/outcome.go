package warehouse

import (
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// outcome gives an error the name of what was done, and takes from the engine's own errors the text: it quotes rows.
func outcome(what string, err error) error {
	if err == nil {
		return nil
	}
	var refused *clickhouse.Exception
	if errors.As(err, &refused) {
		err = refusal(refused.Code)
		if permanent(refused.Code) {
			return fmt.Errorf("%w: %s: %w", ErrPermanent, what, err)
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// refusal is the engine's code for why it refused a statement.
type refusal int32

// Error names the code, and what it means where an operator can act on it.
func (r refusal) Error() string {
	text := fmt.Sprintf("ClickHouse refused with code %d", int32(r))
	if meaning := r.meaning(); meaning != "" {
		text += " (" + meaning + ")"
	}
	return text
}

const (
	unknownDatabase refusal = 81
	unknownSetting  refusal = 115
	readOnly        refusal = 164
	unknownUser     refusal = 192
	accessDenied    refusal = 497
	wrongPassword   refusal = 516
	settingFixed    refusal = 452
)

func (r refusal) meaning() string {
	switch r {
	case 241:
		return "memory limit"
	case 243:
		return "no space left on its disk"
	case 252:
		return "too many parts"
	case 159:
		return "took too long"
	case 202:
		return "too many queries at once"
	case unknownDatabase:
		return "unknown database"
	case unknownSetting:
		return "it doesn't know a setting: it is too old"
	case readOnly:
		return "the account may only read"
	case unknownUser, wrongPassword:
		return "wrong user or password"
	case accessDenied:
		return "the account lacks a right"
	case settingFixed:
		return "the account may not set what warroom needs"
	}
	return ""
}

// permanent tells what an operator has to mend first.
func permanent(code int32) bool {
	switch refusal(code) {
	case unknownSetting, readOnly, unknownUser, accessDenied, wrongPassword, settingFixed:
		return true
	}
	return false
}
