"""The parameters and attributes that MLPClassifier and MLPRegressor share, described in scikit-learn's form."""

__all__ = ["ATTRIBUTES", "EXTRAS", "PARAMETERS"]

PARAMETERS = """hidden_layer_sizes : array-like of shape (n_hidden_layers,) or int, default=(100,)
        Units n_1, n_2, ... of the hidden layers; a number is one layer, () is a linear model.

    activation : str, Activation or list of these, default='relu'
        g of the hidden layers, a_l = g(W_l a_(l-1) + b_l). scikit-learn's 'identity', 'logistic', 'tanh' and 'relu',
        any other name of `glassnet.ACTIVATIONS` such as 'gelu' or 'leaky_relu(alpha=0.2)', or a list with one for each
        hidden layer.

    solver : {'lbfgs', 'sgd', 'adam'}, default='adam'
        What minimizes J: L-BFGS on all examples at once, or by mini-batches stochastic gradient descent with momentum
        (v <- mu v - eta g, theta <- theta + v) or Adam, in the form at the end of section 2 of its paper.

    alpha : float, default=0.0001
        Strength of the L2 penalty: J = (sum_i w_i L_i + alpha/2 sum W^2) / sum_i w_i, the lectures' lambda. Biases are
        never penalized. In mini-batches it is divided by the examples of the batch.

    batch_size : int or 'auto', default='auto'
        Examples of a mini-batch; 'auto' is min(200, n_samples). The last batch of an epoch may be shorter.

    learning_rate : {'constant', 'invscaling', 'adaptive'}, default='constant'
        What becomes of eta under solver='sgd'. 'invscaling': after each epoch learning_rate_init / (t_ + 1)^power_t.
        'adaptive': divided by 5 each time that `tol` and `n_iter_no_change` would end the training, until it has come
        down to 1e-6.

    learning_rate_init : float, default=0.001
        eta of the first epoch, for 'sgd', 'adam', and for an `optimizer` that names no rate of its own.

    power_t : float, default=0.5
        Exponent of 'invscaling'.

    max_iter : int, default=200
        At most so many epochs (passes over the examples), or iterations of L-BFGS.

    shuffle : bool, default=True
        Whether to shuffle the examples in each epoch.

    random_state : int, RandomState instance or None, default=None
        Of the initial weights, the validation split and the order of the examples. Numbers are drawn as scikit-learn
        draws them, so the same random_state begins with the same weights and takes the same batches.

    tol : float, default=1e-4
        Training ends when the loss (or the score, with `early_stopping`) has not improved by `tol` for more than
        `n_iter_no_change` epochs in a row. For L-BFGS, the largest entry of the gradient at which it has converged.

    verbose : bool or int, default=False
        Print the loss of each epoch. See `progress` for a bar.

    warm_start : bool, default=False
        Let `fit` begin from the weights that are there, with an optimizer at rest.

    momentum : float, default=0.9
        mu of solver='sgd', from 0 to 1.

    nesterovs_momentum : bool, default=True
        Nesterov's momentum, for solver='sgd'.

    early_stopping : bool, default=False
        Hold out `validation_fraction` of the examples (stratified for two classes), watch the score on them, and go
        back to the weights of the best epoch. With `validation_data` given to `fit` nothing is held out. For 'sgd',
        'adam' and `optimizer`.

    validation_fraction : float, default=0.1
        Share of the examples that `early_stopping` holds out.

    beta_1 : float, default=0.9
        Adam's decay of the mean of gradients, in [0, 1).

    beta_2 : float, default=0.999
        Adam's decay of the mean of their squares, in [0, 1).

    epsilon : float, default=1e-8
        Adam's epsilon, the paper's epsilon-hat.

    n_iter_no_change : int or np.inf, default=10
        See `tol`.

    max_fun : int, default=15000
        At most so many evaluations of J by L-BFGS."""

EXTRAS = """optimizer : str, Optimizer or LBFGS, default=None
        A rule of `glassnet.OPTIMIZERS` instead of `solver`, such as 'adamw', 'rmsprop(rho=0.95)' or NAdam(1e-3).
        Without a rate of its own a name takes `learning_rate_init`.

    schedule : str or Schedule, default=None
        Of the learning rate, such as 'cosine' or 'one_cycle(0.01)', instead of `learning_rate`; without a number of
        its own it starts from the rule's rate. `max_iter` is its planned length in epochs.

    initializer : str or Initializer, default=None
        Of the weights, such as 'he_normal', or 'auto', which suits each layer's activation; biases then start at 0.
        None draws weights and biases as scikit-learn does: U(-l, l), l = sqrt(6 / (n_in + n_out)) (2 for 'logistic').

    dropout : float, str or Schedule, default=0.0
        Probability to drop an activation of the hidden layers in training.

    batch_norm : bool, default=False
        Batch normalization in the hidden layers. beta takes the place of b, in `intercepts_` too.

    clip_norm : float, default=None
        Bound of the gradient's norm: a longer one is scaled down to it.

    clip_value : float, default=None
        Bound of the gradient's entries.

    monitor : str, default=None
        What `tol` and `n_iter_no_change` watch: 'loss', and with validation data 'validation_loss',
        'validation_accuracy', 'validation_r2', 'validation_rmse' or 'validation_mae'. None is the loss, and with
        `early_stopping` the score.

    restore_best : bool, default=None
        Whether to end with the weights of the best epoch, by what is watched. None: only with `early_stopping`.

    callbacks : Callback or list of Callback, default=()
        See `glassnet.Callback`: time budgets, logs, your own.

    standardize : bool, default=False
        Standardize the inputs, x' = (x - mean) / deviation, by what the first rows fitted have.

    warm_start_optimizer : bool, default=False
        With `warm_start`, keep the optimizer's state, the step and the order of the examples too: two fits of
        `max_iter` epochs then are one of twice as many, to the bit.

    dtype : {'float32', 'float64'}, default=None
        Of weights and arithmetic; None follows X.

    engine : str, default='auto'
        'compiled', 'reference', or the first of these that takes the network.

    threads : int, default=None
        How many threads training may use; None is as many as pay. No bit of the result depends on it.

    progress : bool, default=False
        Show a bar with the time left on stderr."""

ATTRIBUTES = """loss_ : float
        J of the last epoch, or at L-BFGS's end.

    best_loss_ : float or None
        The smallest of `loss_curve_`; None with `early_stopping`.

    loss_curve_ : list of shape (n_epochs,)
        J of each epoch, averaged over its batches while the weights moved; not for L-BFGS, see `history_`.

    validation_scores_ : list of shape (n_epochs,) or None
        Score on the validation data after each epoch (accuracy, or R^2), where there are any.

    best_validation_score_ : float or None
        The largest of these.

    validation_loss_curve_ : list of shape (n_epochs,) or None
        Loss on the validation data after each epoch, without penalty.

    t_ : int
        Examples seen in training by steps, epochs times n_samples.

    coefs_ : list of n_layers - 1 arrays of shape (n_in, n_out)
        Weights: coefs_[l - 1] is the lectures' W_l, transposed.

    intercepts_ : list of n_layers - 1 arrays of shape (n_out,)
        Biases.

    n_features_in_ : int
        Columns of X.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where all are text.

    n_iter_ : int
        Epochs or iterations of the last call.

    n_layers_ : int
        Layers, counting the inputs.

    n_outputs_ : int
        Outputs K.

    out_activation_ : str
        Of the output layer.

    history_ : History
        Of the last call: loss, penalty, learning rate, gradient norm, seconds and metrics of each epoch."""
